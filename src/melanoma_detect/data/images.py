"""The only reader of pixels: any picture becomes RGB uint8 at the model's size.

Training, validation, prediction and figures all come through here, so that what a model saw in training and what it sees
in use is the same array, bit for bit.
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from melanoma_detect.errors import ImageError

Pixels: TypeAlias = NDArray[np.uint8]
Picture: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | Pixels
Resize: TypeAlias = Literal["squash", "crop", "pad"]

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff"})


def read(picture: Picture, size: tuple[int, int] | None = None, resize: Resize = "squash") -> Pixels:
    """Read one picture as RGB, at the size that a model wants.

    The whole picture is scaled to the size whatever its shape was (the assignment's way), with an antialiased bilinear
    filter. The camera's EXIF orientation is applied; greyscale, palette and CMYK become RGB; transparency is laid over
    white.

    Args:
        picture: A path, the bytes of a file, an open binary file, a PIL image, or a uint8 array `(height, width, 3)` or
            `(height, width)`.
        size: `(height, width)` in pixels; None keeps the picture's own.

    Returns:
        A uint8 array `(height, width, 3)`, RGB, 0 to 255.

    Raises:
        ImageError: The picture is missing, empty, truncated, not a picture, or an array of another kind.

    Examples:
        >>> read(np.zeros((600, 450, 3), np.uint8), size=(180, 180)).shape
        (180, 180, 3)
    """
    if isinstance(picture, np.ndarray):
        image = _from_array(picture)
    elif isinstance(picture, Image.Image):
        image = picture
    else:
        return _read_file(picture, size)
    return _finish(image, size)


def read_size(path: Path) -> tuple[int, int]:
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
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.height, image.width
    except (OSError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error


def name_of(picture: Picture) -> str:
    """Return what to call a picture in a message: its path, or what kind of thing it is.

    Args:
        picture: Anything that `read` takes.

    Returns:
        A short name.

    Examples:
        >>> name_of("photo.jpg")
        'photo.jpg'
    """
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture)
    if isinstance(picture, np.ndarray):
        return f"array {picture.shape}"
    return str(getattr(picture, "filename", "") or getattr(picture, "name", "") or type(picture).__name__)


def read_many(pictures: Sequence[Picture], size: tuple[int, int]) -> Pixels:
    """Read several pictures into one array.

    Args:
        pictures: What `read` takes, at least one.
        size: `(height, width)` in pixels.

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
        batch[index] = read(picture, size)
    return batch


def _read_file(source: "str | os.PathLike[str] | bytes | BinaryIO", size: tuple[int, int] | None) -> Pixels:
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            return _finish(image, size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(source, error) from error


def _finish(image: Image.Image, size: tuple[int, int] | None) -> Pixels:
    rgb = _to_rgb(ImageOps.exif_transpose(image))
    if size is not None and (rgb.height, rgb.width) != size:
        rgb = rgb.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(rgb, dtype=np.uint8)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow's own conversion clips everything over 255 to white; 16-bit greyscale spans 0 to 65,535.
        return Image.fromarray((np.asarray(image, dtype=np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def _from_array(array: np.ndarray) -> Image.Image:
    grey = array.ndim == 2
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and array.shape[-1] == 3)) or 0 in array.shape:
        raise ImageError(
            f"an array of shape {array.shape} and type {array.dtype} is not a picture: expected uint8, 0 to 255, shaped "
            "(height, width, 3) in RGB or (height, width); convert it first, for instance "
            "(array * 255).astype('uint8') for floats from 0 to 1"
        )
    return Image.fromarray(array)


def _unreadable(source: Picture, error: Exception) -> ImageError:
    name = name_of(source)
    if isinstance(error, FileNotFoundError):
        return ImageError(f"{name}: no such file; check the path")
    if isinstance(error, IsADirectoryError):
        return ImageError(f"{name}: is a folder; expected a picture")
    if isinstance(source, (str, os.PathLike)) and Path(source).stat().st_size == 0:
        return ImageError(f"{name}: the file is empty; copy it again or take it out")
    if isinstance(error, UnidentifiedImageError):
        expected = ", ".join(FORMATS)
        return ImageError(f"{name}: not a picture this library reads (expected {expected}); convert it or take it out")
    return ImageError(f"{name}: cannot be decoded ({error}); copy it again or take it out")
