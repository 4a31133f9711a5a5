"""From a file, bytes or an open file to a lazily opened image: formats, limits, and words for what is wrong."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from melanoma_detect.errors import ImageError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "AVIF")
_JPEG = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"}
_OTHERS = {".png", ".apng", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif", ".avif"}
_EXTRAS = {".heic", ".heif", ".hif", ".dcm", ".dicom"}
SUFFIXES = frozenset(_JPEG | _OTHERS | _EXTRAS)
MAX_PIXELS = 200_000_000
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
# Imported for what they register in Image.OPEN; Image.init would load thirty more.
_PLUGINS = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

# What Pillow raises for files that are not as they should be; its warnings too, where they are turned into errors.
_TROUBLE = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, AttributeError, Warning)

File = str | os.PathLike[str] | bytes | BinaryIO


@contextlib.contextmanager
def opened(source: File) -> Iterator[Image.Image]:
    """Open an image's file without decoding it.

    HEIC needs the extra `heic`, DICOM the extra `dicom`; a DICOM file is decoded at once.

    Args:
        source: A path, the bytes of a file, or an open binary file.

    Yields:
        A PIL image whose header was read; its pixels are decoded when they are asked for.

    Raises:
        ImageError: The file is missing, empty, no image, damaged, or of more than 200 million pixels; also where decoding
            inside the block fails.

    Examples:
        >>> with opened(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg") as image:
        ...     image.size
        (64, 64)
    """
    try:
        with _as_file(source) as file:
            image = _identify(file)
            _refuse_large(source, image)
            yield image
    except ImageError:
        raise
    except _TROUBLE as error:
        raise unreadable(source, error) from error


def unreadable(source: Any, error: Exception) -> ImageError:
    """Say what is wrong with a file.

    Args:
        source: What was to be read.
        error: What happened.

    Returns:
        The error to raise.

    Examples:
        >>> unreadable("a.jpg", FileNotFoundError())
        ImageError('a.jpg: no such file; check the path')
    """
    name = name_of(source)
    if isinstance(error, FileNotFoundError):
        return ImageError(f"{name}: no such file; check the path")
    if isinstance(error, IsADirectoryError):
        return ImageError(f"{name}: is a folder; expected an image")
    if _is_empty(source):
        return ImageError(f"{name}: the file is empty; copy it again or take it out")
    if isinstance(error, UnidentifiedImageError):
        expected = ", ".join(FORMATS)
        return ImageError(
            f"{name}: not an image this library reads (expected {expected}, or HEIC and DICOM by their extras); convert it or "
            "take it out"
        )
    return ImageError(f"{name}: cannot be decoded ({error}); copy it again or take it out")


def name_of(image: Any) -> str:
    """Return what to call an image in a message: its path, or what kind of thing it is.

    Args:
        image: Anything that `read` takes.

    Returns:
        A short name.

    Examples:
        >>> name_of("photo.jpg")
        'photo.jpg'
    """
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image)
    if isinstance(image, np.ndarray):
        return f"array {image.shape}"
    return str(getattr(image, "filename", "") or getattr(image, "name", "") or type(image).__name__)


@contextlib.contextmanager
def _as_file(source: File) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file:
            yield file
    elif source.seekable():
        source.seek(0)
        yield source
    else:
        yield io.BytesIO(source.read())


def _identify(file: BinaryIO) -> Image.Image:
    """Find the format by content.

    Pillow's own `Image.open` warns, or refuses, above limits that are global to the process; ours is checked by us, so the
    registered formats are asked directly.
    """
    prefix = file.read(132)
    if prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIC:
        return _open_heic(file)
    if prefix[128:132] == b"DICM":
        return _open_dicom(file)
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is None or accept(prefix[:16]) is True or (accept(prefix[:16]) and name not in ("AVIF", "WEBP")):
            file.seek(0)
            return factory(file, "")
    raise UnidentifiedImageError


def _refuse_large(source: File, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"{name_of(source)}: {image.width}×{image.height} pixels; expected at most {MAX_PIXELS // 10**6} million: make it "
            "smaller, or take it out"
        )


def _is_empty(source: Any) -> bool:
    if isinstance(source, bytes):
        return not source
    try:
        return isinstance(source, (str, os.PathLike)) and Path(source).stat().st_size == 0
    except OSError:
        return False


def _open_heic(file: BinaryIO) -> Image.Image:
    try:
        import pillow_heif  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(
            f"{name_of(file)}: a HEIC image, which needs an extra: pip install 'melanoma-detect[heic]'"
        ) from error
    file.seek(0)
    image: Image.Image = pillow_heif.open_heif(file).to_pillow()
    image.format = "HEIF"
    return image


def _open_dicom(file: BinaryIO) -> Image.Image:
    try:
        from melanoma_detect.images.dicom import decode  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(
            f"{name_of(file)}: a DICOM image, which needs an extra: pip install 'melanoma-detect[dicom]'"
        ) from error
    file.seek(0)
    return decode(file, MAX_PIXELS)
