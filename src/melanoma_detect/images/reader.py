"""The one reader of pixels: any picture becomes RGB uint8 at the model's size.

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
Picture: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[np.generic]
Resize: TypeAlias = Literal["squash", "crop", "pad"]
Size: TypeAlias = tuple[int, int]

RESIZES: tuple[Resize, ...] = ("squash", "crop", "pad")
_ORIENTATION = 0x0112

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "SUFFIXES",
    "Picture",
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
    """A picture file that was squashed into a square: whoever reads it gets it stretched back.

    Attributes:
        path: The file.
        aspect: Width over height before it was squashed. A picture that is not square stays as it is.

    Examples:
        >>> load(Squashed(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", aspect=4 / 3)).size
        (85, 64)
    """

    path: Path
    aspect: float

    def __fspath__(self) -> str:
        return os.fspath(self.path)


def read(picture: Picture, size: Size | None = None, resize: Resize = "squash") -> Pixels:
    """Read one picture as RGB, at the size that a model wants.

    Formats are JPEG, PNG, BMP, WebP, TIFF, GIF and AVIF; HEIC and DICOM by the extras `heic` and `dicom`. Of several frames the
    first is taken. The camera's EXIF orientation is applied; greyscale, palette, CMYK, YCbCr, LAB, 1-bit and 16-bit pictures
    become RGB, colour profiles sRGB; transparency is laid over white. Scaling is bilinear and antialiased; JPEGs are decoded
    at the nearest scale of their own that is at least twice as large as needed.

    Args:
        picture: A path, the bytes of a file, an open binary file, a PIL image, or an array `(height, width)`,
            `(height, width, 3)` or `(height, width, 4)`: uint8, uint16 from 0 to 65,535, or floats from 0 to 1.
        size: `(height, width)` in pixels; None keeps the picture's own.
        resize: How a picture of another shape comes to that size: `"squash"` scales the whole picture whatever its shape was
            (the assignment's way), `"crop"` takes its centre, `"pad"` adds black margins.

    Returns:
        A uint8 array `(height, width, 3)`, RGB, 0 to 255.

    Raises:
        ImageError: The picture is missing, empty, truncated, not a picture, of more than 200 million pixels, or an array of
            another kind.

    Examples:
        >>> read(np.zeros((600, 450, 3), np.uint8), size=(180, 180)).shape
        (180, 180, 3)
    """
    refuse_resize(resize)
    return fit(load(picture, needed(size, resize) if size else None), size, resize)


def load(picture: Picture, at_least: Size | None = None) -> Image.Image:
    """Open a picture, upright and in RGB.

    Args:
        picture: What `read` takes.
        at_least: `(height, width)` in pixels that must be left where a JPEG is decoded at a smaller scale; None for all of it.

    Returns:
        A PIL image in mode RGB.

    Raises:
        ImageError: It cannot be read.

    Examples:
        >>> load(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").size
        (64, 64)
    """
    if isinstance(picture, np.ndarray):
        return to_rgb(from_array(picture))
    if isinstance(picture, Image.Image):
        try:
            return to_rgb(_turned(picture))
        except (OSError, ValueError) as error:
            raise unreadable(picture, error) from error
    if not isinstance(picture, (str, os.PathLike, bytes)) and not hasattr(picture, "read"):
        raise ImageError(
            f"a {type(picture).__name__} is no picture; expected a path, bytes, a file, a PIL image or an array"
        )
    with opened(picture) as image:
        if at_least and image.format == "JPEG":
            _draft(image, at_least)
        image.load()
        upright = to_rgb(_turned(image))
    return _stretched(upright, picture.aspect) if isinstance(picture, Squashed) else upright


def fit(image: Image.Image, size: Size | None, resize: Resize = "squash") -> Pixels:
    """Bring a loaded picture to a size.

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
    """Return the least `(height, width)` to decode a picture at that is brought to a size: twice as much.

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
        path: A picture file.

    Returns:
        Height and width in pixels, as stored.

    Raises:
        ImageError: The file is missing, empty or not a picture.

    Examples:
        >>> read_size(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        (64, 64)
    """
    with opened(path) as image:
        return image.height, image.width


def read_many(pictures: Sequence[Picture], size: Size, resize: Resize = "squash") -> Pixels:
    """Read several pictures into one array.

    Args:
        pictures: What `read` takes, at least one.
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
    batch = np.empty((len(pictures), *size, 3), np.uint8)
    for index, picture in enumerate(pictures):
        batch[index] = read(picture, size, resize)
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
