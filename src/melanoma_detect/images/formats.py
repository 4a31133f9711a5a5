"""Image files: the formats that are read, the largest size, and error messages for files that cannot be read."""

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
MAX_PIXELS = (
    200_000_000  # 600 MB decoded: above every camera, and below what a small file can be made to fill memory with
)
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_PREFIX_BYTES = 132  # as many as DICOM needs: its mark stands after a preamble of 128 bytes
# Importing them registers them in Image.OPEN; Image.init would load thirty more.
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

# What Pillow raises for damaged files; its warnings too, where they are turned into errors.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    OverflowError,
    AttributeError,
    Warning,
)

File = str | os.PathLike[str] | bytes | BinaryIO


@contextlib.contextmanager
def open_image(source: File) -> Iterator[Image.Image]:
    """Open an image file without decoding it.

    HEIC needs the extra `heic`, DICOM the extra `dicom`; a DICOM file is decoded at once.

    Args:
        source: A path, the bytes of a file, or an open binary file.

    Yields:
        A PIL image whose header has been read; Pillow decodes the pixels at their first use.

    Raises:
        ImageError: The file is missing, empty, not an image, damaged, or of more than 200 million pixels; also where decoding
            inside the block fails.

    Examples:
        >>> with open_image(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg") as image:
        ...     image.size
        (64, 64)
    """
    try:
        with _open_file(source) as file:
            image = _open_by_content(file)
            _check_pixel_count(source, image)
            yield image
    except ImageError:
        raise
    except _PILLOW_ERRORS as error:
        raise image_error(source, error) from error


def image_error(source: Any, error: Exception) -> ImageError:
    """Return the ImageError that explains why an image cannot be read.

    Args:
        source: The file, or what else was to be read.
        error: The exception that reading it raised.

    Returns:
        The error to raise; its message names the file and what to do.

    Examples:
        >>> image_error("a.jpg", FileNotFoundError())
        ImageError('a.jpg: no such file; check the path')
    """
    name = source_name(source)
    if isinstance(error, FileNotFoundError):
        return ImageError(f"{name}: no such file; check the path")
    if isinstance(error, IsADirectoryError):
        return ImageError(f"{name}: is a folder; expected an image")
    if _is_empty(source):
        return ImageError(f"{name}: the file is empty; copy it again or remove it")
    if isinstance(error, UnidentifiedImageError):
        expected = ", ".join(FORMATS)
        return ImageError(
            f"{name}: not an image of a known format (expected {expected}, or HEIC and DICOM by their extras); convert it or "
            "remove it"
        )
    return ImageError(f"{name}: cannot be decoded ({error}); copy it again or remove it")


def source_name(image: Any) -> str:
    """Return the name of an image for messages: its path, or its type.

    Args:
        image: Anything that `images.reader.read_pixels` takes.

    Returns:
        A short name.

    Examples:
        >>> source_name("photo.jpg")
        'photo.jpg'
    """
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image)
    if isinstance(image, np.ndarray):
        return f"array {image.shape}"
    return str(getattr(image, "filename", "") or getattr(image, "name", "") or type(image).__name__)


@contextlib.contextmanager
def _open_file(source: File) -> Iterator[BinaryIO]:
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


def _open_by_content(file: BinaryIO) -> Image.Image:
    """Open an image by the format of its first bytes, whatever its suffix.

    The registered formats are asked directly: Pillow's own `Image.open` warns, or raises, above limits that are global to the
    process, while this library has a limit of its own.
    """
    prefix = file.read(_PREFIX_BYTES)
    if prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIC_BRANDS:
        return _open_heic(file)
    if prefix[128:132] == b"DICM":
        return _open_dicom(file)
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        # For a file that this Pillow was built without support for, AVIF and WebP return a message in place of True.
        if accept is None or accept(prefix[:16]) is True or (accept(prefix[:16]) and name not in ("AVIF", "WEBP")):
            file.seek(0)
            return factory(file, "")
    raise UnidentifiedImageError


def _check_pixel_count(source: File, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"{source_name(source)}: {image.width}×{image.height} pixels; expected at most {MAX_PIXELS // 10**6} million: "
            "make it smaller, or remove it"
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
            f"{source_name(file)}: a HEIC image, which needs an extra: pip install 'melanoma-detect[heic]'"
        ) from error
    file.seek(0)
    image: Image.Image = pillow_heif.open_heif(file).to_pillow()
    image.format = "HEIF"
    return image


def _open_dicom(file: BinaryIO) -> Image.Image:
    try:
        from melanoma_detect.images.dicom import decode_dicom  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(
            f"{source_name(file)}: a DICOM image, which needs an extra: pip install 'melanoma-detect[dicom]'"
        ) from error
    file.seek(0)
    return decode_dicom(file, MAX_PIXELS)
