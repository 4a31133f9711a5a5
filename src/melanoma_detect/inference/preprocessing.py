"""Preprocessing: any image becomes pixels at the model's input size."""

import os
from pathlib import PurePath
from typing import Any, NamedTuple, cast

import numpy as np

from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import ImageLike, Pixels, Resize, load_rgb, min_decode_size, resize_image
from melanoma_detect.utils.paths import path_text


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


def check_pixels(pixels: Any, size: tuple[int, int], sides: Any = None) -> Pixels:
    """Raise ImageError unless an array holds decoded images at a model's size.

    Args:
        pixels: What the caller gave.
        size: `(height, width)` of the model's input, in pixels.
        sides: The shorter side that each image had; None where it is not known.

    Returns:
        The array.

    Raises:
        ImageError: It has another shape or type, or another number of images than of sides.

    Examples:
        >>> check_pixels(np.zeros((32, 32, 3), np.uint8), (32, 32))
        Traceback (most recent call last):
        melanoma_detect.errors.ImageError: pixels have the shape (32, 32, 3) and the type uint8; expected ...
    """
    shape, kind = getattr(pixels, "shape", None), getattr(pixels, "dtype", None)
    if shape is None or kind != np.uint8 or len(shape) != 4 or tuple(shape[1:]) != (*size, 3):
        found = (
            f"have the shape {tuple(shape)} and the type {kind}"
            if shape is not None
            else f"are {type(pixels).__name__}"
        )
        raise ImageError(
            f"pixels {found}; expected {('images', *size, 3)} and uint8: images as the detector's `preprocess` or a split's "
            "`pixels` give them; `predict` takes images of any size and type".replace("'images'", "images")
        )
    if sides is not None and np.shape(sides) != (len(pixels),):
        raise ImageError(f"sides have the shape {np.shape(sides)}; expected {(len(pixels),)}: one for each image")
    return cast("Pixels", pixels)


def check_image_path(image: Any) -> None:
    """Raise ImageError for an object that stands for a path, but gives none.

    Args:
        image: What the caller gave.

    Raises:
        ImageError: Its `__fspath__` fails, or returns something other than a text.

    Examples:
        >>> check_image_path(Path("photo.jpg"))
    """
    if isinstance(image, os.PathLike) and not isinstance(image, PurePath):  # those of Python are sound
        path_text(image, ImageError)


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
    check_image_path(image)
    loaded = load_rgb(image, min_decode_size(size, resize))
    return ModelInput(resize_image(loaded, size, resize), loaded.height, loaded.width)
