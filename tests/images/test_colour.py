"""Conversion to RGB: colour modes, bit depths, transparency, arrays."""

import numpy as np
import pytest
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read_pixels


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "YCbCr", "LA", "RGBA"])
def test_other_colour_modes_become_rgb(image, mode):
    converted = Image.fromarray(image).convert("RGB").convert(mode)
    pixels = read_pixels(converted)
    assert pixels.shape == image.shape
    reference = np.asarray(converted.convert("RGB")).astype(int)
    assert np.abs(pixels - reference).max() <= 1


def test_transparency_is_laid_over_white():
    pixels = read_pixels(Image.new("RGBA", (4, 4), (10, 20, 30, 0)))
    assert (pixels == 255).all()


def test_sixteen_bit_grey_is_scaled_to_eight(tmp_path):
    Image.fromarray(np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)).save(tmp_path / "grey.png")
    grey = read_pixels(tmp_path / "grey.png")[..., 0]
    assert grey.min() == 0
    assert grey.max() == 255
    assert len(np.unique(grey)) > 200


def test_grey_arrays_are_images(image):
    assert read_pixels(image[..., 0]).shape == (64, 64, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.full((8, 8, 3), 1.5, np.float32),
        np.full((8, 8, 3), np.nan),
        np.zeros((8, 8, 3), np.int16),
        np.zeros((8, 8, 2), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros(8, np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
    ],
)
def test_arrays_that_are_not_images_raise(array):
    with pytest.raises(ImageError, match="is not an image: expected"):
        read_pixels(array)
