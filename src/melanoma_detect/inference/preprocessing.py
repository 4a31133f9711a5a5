"""Preprocessing: any image becomes pixels at the model's input size."""

from typing import NamedTuple, cast

import numpy as np

from melanoma_detect.images.reader import ImageLike, Pixels, Resize, load_rgb, min_decode_size, resize_image


class ModelInput(NamedTuple):
    """An image as the model sees it.

    Attributes:
        pixels: uint8 `(height, width, 3)` at the model's size.
        height: Of the image before it was resized, in pixels; of a JPEG that was decoded at a reduced scale, that scale's.
        width: The same for the width.
    """

    pixels: Pixels
    height: int
    width: int


def preprocess(image: ImageLike, size: tuple[int, int], resize: Resize) -> ModelInput:
    """Read an image at the model's input size.

    Args:
        image: What `images.reader.read_pixels` takes.
        size: `(height, width)` of the model's input, in pixels.
        resize: How an image of another shape is brought to that size.

    Returns:
        The pixels, and the height and width that the image was decoded at.

    Raises:
        ImageError: The image cannot be read; the message names it.

    Examples:
        >>> prepared = preprocess(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", (32, 32), "squash")
        >>> prepared.pixels.shape, prepared.height
        ((32, 32, 3), 64)
    """
    if type(image) is np.ndarray and image.dtype == np.uint8 and image.shape == (*size, 3):
        return ModelInput(cast("Pixels", image), *size)  # nothing to decode, and nothing to copy
    loaded = load_rgb(image, min_decode_size(size, resize))
    return ModelInput(resize_image(loaded, size, resize), loaded.height, loaded.width)
