"""The one reader of pixels: any image becomes RGB uint8 at the model's size.

Training, validation, prediction and figures all come through here, so that what a model saw in training and what it sees
in use is the same array, bit for bit.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from melanoma_detect.errors import ImageError
from melanoma_detect.images.colour import from_array, to_rgb
from melanoma_detect.images.formats import FORMATS, MAX_PIXELS, SUFFIXES, name_of, opened, unreadable

Pixels: TypeAlias = NDArray[np.uint8]
ImageLike: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[np.generic]
Resize: TypeAlias = Literal["squash", "crop", "pad"]
Size: TypeAlias = tuple[int, int]

RESIZES: tuple[Resize, ...] = ("squash", "crop", "pad")
_ORIENTATION = 0x0112

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "SUFFIXES",
    "ImageLike",
    "Pixels",
    "Resize",
    "Squashed",
    "fit",
    "load",
    "name_of",
    "needed",
    "read",
]


@dataclass(frozen=True)
class Squashed(os.PathLike[str]):
    """An image file that was squashed into a square: whoever reads it gets it stretched back.

    Attributes:
        path: The file.
        aspect: Width over height before it was squashed. An image that is not square stays as it is.

    Examples:
        >>> load(Squashed(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", aspect=4 / 3)).size
        (85, 64)
    """

    path: Path
    aspect: float

    def __fspath__(self) -> str:
        return os.fspath(self.path)


def read(image: ImageLike, size: Size | None = None, resize: Resize = "squash") -> Pixels:
    """Read one image as RGB, at the size that a model wants.

    Formats are JPEG, PNG, BMP, WebP, TIFF, GIF and AVIF; HEIC and DICOM by the extras `heic` and `dicom`. Of several frames the
    first is taken. The camera's EXIF orientation is applied; greyscale, palette, CMYK, YCbCr, LAB, 1-bit and 16-bit images
    become RGB, colour profiles sRGB; transparency is laid over white. Scaling is bilinear and antialiased; JPEGs are decoded
    at the nearest scale of their own that is at least twice as large as needed.

    Args:
        image: A path, the bytes of a file, an open binary file, a PIL image, or an array `(height, width)`,
            `(height, width, 3)` or `(height, width, 4)`: uint8, uint16 from 0 to 65,535, or floats from 0 to 1.
        size: `(height, width)` in pixels; None keeps the image's own.
        resize: How an image of another shape comes to that size: `"squash"` scales the whole image whatever its shape was
            (the assignment's way), `"crop"` takes its centre, `"pad"` adds black margins.

    Returns:
        A uint8 array `(height, width, 3)`, RGB, 0 to 255.

    Raises:
        ImageError: The image is missing, empty, truncated, not an image, of more than 200 million pixels, or an array of
            another kind.

    Examples:
        >>> read(np.zeros((600, 450, 3), np.uint8), size=(180, 180)).shape
        (180, 180, 3)
    """
    refuse_resize(resize)
    return fit(load(image, needed(size, resize) if size else None), size, resize)


def load(image: ImageLike, at_least: Size | None = None) -> Image.Image:
    """Open an image, upright and in RGB.

    Args:
        image: What `read` takes.
        at_least: `(height, width)` in pixels that must be left where a JPEG is decoded at a smaller scale; None for all of it.

    Returns:
        A PIL image in mode RGB.

    Raises:
        ImageError: It cannot be read.

    Examples:
        >>> load(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").size
        (64, 64)
    """
    if isinstance(image, np.ndarray):
        return to_rgb(from_array(image))
    if isinstance(image, Image.Image):
        try:
            return to_rgb(_turned(image))
        except (OSError, ValueError) as error:
            raise unreadable(image, error) from error
    if not isinstance(image, (str, os.PathLike, bytes)) and not hasattr(image, "read"):
        raise ImageError(
            f"a {type(image).__name__} is no image; expected a path, bytes, a file, a PIL image or an array"
        )
    with opened(image) as file:
        if at_least and file.format == "JPEG":
            _draft(file, at_least)
        file.load()
        upright = to_rgb(_turned(file))
    return _stretched(upright, image.aspect) if isinstance(image, Squashed) else upright


def fit(image: Image.Image, size: Size | None, resize: Resize = "squash") -> Pixels:
    """Bring a loaded image to a size.

    Args:
        image: In mode RGB.
        size: `(height, width)` in pixels; None keeps its own.
        resize: `"squash"`, `"crop"` or `"pad"`.

    Returns:
        A uint8 array `(height, width, 3)`.

    Examples:
        >>> fit(Image.new("RGB", (40, 20), "white"), (10, 10), "pad")[0, 0]
        array([0, 0, 0], dtype=uint8)
    """
    if size is None or (image.height, image.width) == size:
        return np.asarray(image, dtype=np.uint8)
    height, width = size
    if resize == "crop":
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=_centre(image.size, size)))
    if resize == "pad":
        return np.asarray(ImageOps.pad(image, (width, height), Image.Resampling.BILINEAR, color="black"))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def needed(size: Size, resize: Resize = "squash") -> Size:
    """Return the least `(height, width)` to decode an image at that is brought to a size: twice as much.

    Args:
        size: `(height, width)` in pixels.
        resize: How it is brought there. A crop keeps one whole side, so both must do for the longer one.

    Returns:
        `(height, width)` in pixels.

    Examples:
        >>> needed((180, 180))
        (360, 360)
    """
    height, width = (max(size),) * 2 if resize != "squash" else size
    return 2 * height, 2 * width


def refuse_resize(resize: str) -> None:
    """Refuse a name that is no way of resizing.

    Args:
        resize: The name.

    Raises:
        ImageError: It is none.

    Examples:
        >>> refuse_resize("crop")
    """
    if resize not in RESIZES:
        raise ImageError(f"resize={resize!r}; expected one of {', '.join(map(repr, RESIZES))}")


def read_size(path: Path) -> Size:
    """Return `(height, width)` from a file's header alone, without decoding it.

    Args:
        path: An image file.

    Returns:
        Height and width in pixels, as stored.

    Raises:
        ImageError: The file is missing, empty or not an image.

    Examples:
        >>> read_size(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        (64, 64)
    """
    with opened(path) as image:
        return image.height, image.width


def read_many(images: Sequence[ImageLike], size: Size, resize: Resize = "squash") -> Pixels:
    """Read several images into one array.

    Args:
        images: What `read` takes, at least one.
        size: `(height, width)` in pixels.
        resize: `"squash"`, `"crop"` or `"pad"`.

    Returns:
        A uint8 array `(n, height, width, 3)`.

    Raises:
        ImageError: One of them cannot be read; the message names it.

    Examples:
        >>> read_many([np.zeros((9, 9), np.uint8)] * 2, size=(4, 4)).shape
        (2, 4, 4, 3)
    """
    batch = np.empty((len(images), *size, 3), np.uint8)
    for index, image in enumerate(images):
        batch[index] = read(image, size, resize)
    return batch


def _stretched(image: Image.Image, aspect: float) -> Image.Image:
    """Undo the squashing along the longer side: nothing that is there is lost."""
    if image.width != image.height:
        return image
    size = (round(image.width * max(aspect, 1)), round(image.height * max(1 / aspect, 1)))
    return image.resize(size, Image.Resampling.BILINEAR)


def _draft(image: Image.Image, at_least: Size) -> None:
    """Let the JPEG decoder scale by itself, in its own blocks: a fraction of the work."""
    height, width = at_least
    if _orientation(image) >= 5:  # stored on its side
        height, width = width, height
    image.draft(None, (width, height))


def _orientation(image: Image.Image) -> int:
    if "exif" not in image.info:
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError, Warning):
        return 1


def _turned(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, TypeError, KeyError, Warning):  # damaged metadata says nothing
        return image


def _centre(have: tuple[int, int], size: Size) -> tuple[float, float, float, float]:
    """Return the box of the largest centre part with the shape of the size."""
    width, height = have
    scale = min(width / size[1], height / size[0])
    inner_width, inner_height = size[1] * scale, size[0] * scale
    left, top = (width - inner_width) / 2, (height - inner_height) / 2
    return (left, top, left + inner_width, top + inner_height)
