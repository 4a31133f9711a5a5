"""Batches for Keras."""

import numpy as np
import pytest

from melanoma_detect.data import batches as batches_module
from melanoma_detect.data.batches import Batches


def batches(**options):
    pixels = np.arange(10, dtype=np.uint8).repeat(4 * 4 * 3).reshape(10, 4, 4, 3)
    return Batches(pixels, np.arange(10), 4, **options)


def test_the_last_batch_may_be_smaller():
    assert [len(batches()[at][1]) for at in range(len(batches()))] == [4, 4, 2]


def test_images_stay_with_their_labels_when_shuffled():
    shuffled = batches(shuffle=True)
    for at in range(len(shuffled)):
        pixels, labels = shuffled[at]
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels[:, 0, 0, 0], labels)


def test_each_epoch_has_its_own_order_drawn_from_the_seed():
    def order(epochs, seed):
        shuffled = batches(shuffle=True, seed=seed)
        for _ in range(epochs):
            shuffled.on_epoch_end()
        return [label for at in range(len(shuffled)) for label in shuffled[at][1]]

    assert sorted(order(0, 1)) == list(range(10))
    assert order(1, 1) == order(1, 1)
    assert order(0, 1) != order(1, 1)
    assert order(0, 1) != order(0, 2)


def test_beyond_the_end():
    with pytest.raises(IndexError):
        batches()[3]


def test_a_tensorflow_pipeline_follows_the_weights(tree):
    from melanoma_detect.data.batches import tf_dataset

    paths = sorted(tree({"a": 4}).rglob("*.png"))
    labels, weights = np.array([0, 0, 1, 1]), np.array([0.5, 0.5, 2.0, 3.0])
    dataset = tf_dataset(paths, labels, (32, 32), 4, weights=weights, shuffle=True, seed=3)
    epochs = [np.concatenate([own.numpy() for _, own in dataset]) for _ in range(3)]
    assert [np.bincount(own).tolist() for own in epochs] == [[1, 5]] * 3
    assert len({tuple(own) for own in epochs}) > 1
    assert int(dataset.cardinality()) == 2
    plain = tf_dataset(paths, labels, (32, 32), 4, weights=np.ones(4))
    assert next(iter(plain))[1].numpy().tolist() == [0, 0, 1, 1]


def test_images_may_be_rows_of_a_larger_array():
    pixels = np.arange(10, dtype=np.uint8).repeat(12).reshape(10, 2, 2, 3)
    rows = Batches(pixels, np.array([7, 0, 9]), batch_size=2, rows=np.array([7, 0, 9]))
    for images, labels in (rows[0], rows[1]):
        assert images[:, 0, 0, 0].tolist() == labels.tolist()


def test_a_tf_dataset_takes_the_pixels_that_are_kept(data, monkeypatch):
    expected = data.test.pixels()
    monkeypatch.setattr(batches_module, "read_pixels", None)  # calling it would fail
    images = np.concatenate([images for images, _ in data.test.tf_dataset().as_numpy_iterator()])
    assert np.array_equal(images, expected)
