"""Batches for Keras."""

import numpy as np
import pytest

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
