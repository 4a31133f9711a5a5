"""Arrays and tensors as images: NumPy's, and those of packages that are not imported."""

import types

import numpy as np
import pytest

from melanoma_detect.errors import ImageError
from melanoma_detect.images.arrays import as_array, split_batches
from melanoma_detect.images.reader import read_pixels


class Tensor:
    """A tensor as PyTorch's: NumPy cannot read it before its gradient is dropped and it has left the GPU."""

    __module__ = "torch"

    def __init__(self, values, *, ready=False):
        self.values, self.shape, self.dtype, self.ready = values, values.shape, values.dtype, ready

    def detach(self):
        return self

    def cpu(self):
        return Tensor(self.values, ready=True)

    def numpy(self):
        assert self.ready, "can't convert a tensor on another device"
        return self.values

    def __array__(self, *args, **options):
        return self.numpy()


@pytest.mark.parametrize(
    "of",
    [
        lambda pixels: pixels[::-1][::-1],
        np.asfortranarray,
        memoryview,
        lambda pixels: pixels.astype(np.float32),
        lambda pixels: pixels.astype(">f8"),
        lambda pixels: pixels / 255,
        lambda pixels: pixels.astype(">u2") * 257,
        lambda pixels: types.SimpleNamespace(__array_interface__=pixels.__array_interface__, held=pixels),
        Tensor,
        lambda pixels: Tensor(np.moveaxis(pixels, -1, 0) / np.float32(255)),
    ],
)
def test_the_same_pixels_in_other_arrays(image, of):
    np.testing.assert_array_equal(read_pixels(of(image)), image)


def test_tensorflow_and_keras(image):
    tf = pytest.importorskip("tensorflow")
    for tensor in (tf.constant(image), tf.cast(image, tf.float32), tf.cast(image, tf.bfloat16), tf.Variable(image)):
        assert np.abs(read_pixels(tensor).astype(int) - image).max() <= 1


def test_what_only_speaks_dlpack(image):
    class Foreign:
        def __dlpack__(self, **options):
            return image.__dlpack__(**options)

        def __dlpack_device__(self):
            return image.__dlpack_device__()

    np.testing.assert_array_equal(read_pixels(Foreign()), image)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 20, 20), np.uint8), "moveaxis"),
        (Tensor(np.zeros((3, 20, 3), np.uint8)), "permute"),
        (np.ma.masked_less(np.zeros((9, 9, 3), np.uint8), 1), "masked"),
        (np.full((9, 9, 3), 1.2), "0 to 1 or 0 to 255"),
        (np.full((9, 9, 3), -1.0), "0 to 1 or 0 to 255"),
        (np.full((9, 9, 3), 300.0), "0 to 1 or 0 to 255"),
        (np.full((9, 9, 3), np.inf), "0 to 1 or 0 to 255"),
        (np.full((9, 9, 3), 200, np.uint16), "uint16 from 200 to 200"),
        (np.zeros((9, 9, 3), object), "object"),
        (np.zeros((9, 9, 3), complex), "complex"),
        (np.zeros((9, 9, 3), np.int64), "int64"),
        (np.zeros((2, 0, 3)), "not an image"),
        (np.float32(3), "not an image"),
    ],
)
def test_what_is_no_image_says_why(array, message):
    with pytest.raises(ImageError, match=message):
        read_pixels(array)


def test_an_overshoot_of_resizing_is_clipped():
    assert read_pixels(np.array([[-0.001, 1.001]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]
    assert read_pixels(np.array([[-0.2, 255.3]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_names_are_no_array():
    pd = pytest.importorskip("pandas")
    for names in (np.array(["a.jpg"]), pd.Series(["a.jpg"]), ["a.jpg"], "a.jpg"):
        assert as_array(names) is None


def test_a_batch_of_floats_has_one_range():
    dark = np.zeros((4, 4, 3), np.float32)
    dark[0] = 1  # of 255, since the other image goes up to 200
    first, second = split_batches([np.stack([dark, dark + 199])])
    assert (int(first.max()), int(second.max())) == (1, 200)


def test_predict_takes_tensors_and_batches(image, detector):
    expected = detector.predict(image).melanoma
    single = [Tensor(image), memoryview(image), image.astype(np.float32)]
    assert [detector.predict(tensor).melanoma for tensor in single] == [expected] * 3
    batch = np.stack([image, image])
    for images in (batch, Tensor(batch), Tensor(np.moveaxis(batch, -1, 1)), [batch], iter([image, Tensor(image)])):
        assert [prediction.melanoma for prediction in detector.predict(images)] == [expected] * 2
    assert detector.predict(batch[:0]) == detector.predict([]) == []


def test_an_array_of_few_bytes_that_stands_for_a_large_image_is_refused():
    for value, shape in (
        (np.uint8(0), (200_000, 200_000)),
        (np.float64(0.5), (30_000, 30_000, 3)),
        (np.uint8(0), (1, 70_000)),
    ):
        with pytest.raises(ImageError, match=r"an array of shape .*expected at most"):
            read_pixels(np.broadcast_to(value, shape), (8, 8))
