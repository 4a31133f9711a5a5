"""Image files: the formats that are read, the largest size, and error messages for files that cannot be read."""

import contextlib
import io
import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

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

from melanoma_detect.errors import ImageError, MelanomaDetectError
from melanoma_detect.images.avif_data import check_avif_data
from melanoma_detect.images.bmp import check_bmp
from melanoma_detect.images.containers import check_length
from melanoma_detect.images.frames import Frame, file_of, find_frame, is_dicom
from melanoma_detect.images.jpeg import check_jpeg
from melanoma_detect.images.memory import MAX_PIXELS, check_decoder, check_size
from melanoma_detect.images.png import correct_transparency
from melanoma_detect.images.quiet_decoders import quiet_decoders
from melanoma_detect.images.tags import check_boxed_tags, check_jpeg_tags
from melanoma_detect.images.tiff import open_tiff
from melanoma_detect.images.webp import check_webp_data, webp_size
from melanoma_detect.utils.missing_packages import missing_package_error
from melanoma_detect.utils.regular_files import open_regular

T = TypeVar("T")

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "AVIF")
_JPEG = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"}
_OTHERS = {".png", ".apng", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif", ".avif"}
_EXTRAS = {".heic", ".heif", ".hif", ".dcm", ".dicom"}
SUFFIXES = frozenset(_JPEG | _OTHERS | _EXTRAS)
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

_WARNINGS_LOCK = threading.RLock()  # the filters for warnings belong to the whole process

File = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Frame


@contextlib.contextmanager
def open_image(source: File, *, check_data: bool = False) -> Iterator[Image.Image]:
    """Open an image file without decoding it.

    HEIC needs the extra `heic`, DICOM the extra `dicom`; a DICOM file is decoded at once.

    Args:
        source: A path, the bytes of a file, or an open binary file; of a DICOM file of several frames `"lesion.dcm#3"`, or a
            `Frame`.
        check_data: Also look for damage to a WebP or AVIF image that its decoder does not report. It takes as long as
            decoding the image: set it where the image will be decoded.

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
        file_source, frame = split_frame(source)
        with quiet_decoders(), open_file(file_source) as file:
            image = without_warning_errors(
                lambda: _open_by_content(file, source_name(file_source), frame, check_data=check_data)
            )
            check_size(image.size, source_name(source))
            yield image
    except MelanomaDetectError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file makes the decoders raise nearly anything
        raise image_error(source, error) from _telling_cause(error)


def without_warning_errors(read: Callable[[], T]) -> T:
    """Call a function that reads an image; call it again with warnings ignored where a warning was turned into an error.

    Pillow warns of metadata that nobody needs, which says nothing about the pixels.

    Args:
        read: The function.

    Returns:
        What it returns.

    Examples:
        >>> without_warning_errors(lambda: 3)
        3
    """
    try:
        return read()
    except Warning:
        with _WARNINGS_LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()


def check_path(path: str | os.PathLike[str]) -> None:
    """Raise ImageError where a path is no file: at once, not from within what decodes it.

    Args:
        path: The path of an image.

    Raises:
        ImageError: There is nothing, or a folder; the message says what to do.

    Examples:
        >>> check_path(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
    """
    try:
        is_folder = stat.S_ISDIR(os.stat(file_of(path)).st_mode)  # noqa: PTH116 - also for images that are stretched back
    except FileNotFoundError as error:
        raise image_error(path, error) from None
    except (OSError, ValueError):  # opening it says what is wrong
        return
    if is_folder:
        raise image_error(path, IsADirectoryError())


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
    if isinstance(error, (FileNotFoundError, IsADirectoryError)):
        return ImageError(f"{name}: {_describe_no_file(name, is_folder=isinstance(error, IsADirectoryError))}")
    if _is_empty(source):
        return ImageError(f"{name}: the file is empty; copy it again or remove it")
    if isinstance(error, UnidentifiedImageError):
        expected = ", ".join(FORMATS)
        return ImageError(
            f"{name}: not an image of a known format (expected {expected}, or HEIC and DICOM by their extras); convert it or "
            "remove it"
        )
    if isinstance(source, Image.Image) and _is_closed(source, error):
        return ImageError(
            f"{name}: the image's file is closed; predict while it is open, or call its load() before it is closed"
        )
    reason = str(error) or type(error).__name__
    return ImageError(f"{name}: cannot be decoded ({reason}); copy it again or remove it")


def _describe_no_file(name: str, *, is_folder: bool) -> str:
    if is_folder:
        return "is a folder; expected an image: give a list of images, or score(folder, out='answers')"
    if name.startswith(("http://", "https://")):
        return "is an address; download the image and give its path (score reads addresses)"
    return "no such file; check the path"


def _telling_cause(error: Exception) -> Exception | None:
    """Return the cause that a traceback shows: none where the message has said it all."""
    return None if isinstance(error, (OSError, UnidentifiedImageError)) else error


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
    if isinstance(image, Frame):
        return image.name
    if (shape := getattr(image, "shape", None)) is not None:
        return f"array {tuple(shape)}"
    return str(getattr(image, "filename", "") or getattr(image, "name", "") or type(image).__name__)


def split_frame(source: File) -> tuple[Any, int | None]:
    """Return the file of a source, and the frame in it that the source names.

    Args:
        source: What `open_image` takes.

    Returns:
        A path, bytes or an open file, and the frame's number from 1; None for no frame.

    Examples:
        >>> split_frame("photo.jpg")
        ('photo.jpg', None)
    """
    if isinstance(source, Frame):
        return source.source, source.number
    named = find_frame(source) if isinstance(source, (str, os.PathLike)) else None
    return named or (source, None)


@contextlib.contextmanager
def open_file(source: Any) -> Iterator[BinaryIO]:
    """Open a file as it is.

    Args:
        source: A path, bytes, or an open binary file, which is not closed.

    Yields:
        An open file that can be searched.

    Examples:
        >>> with open_file(b"abc") as file:
        ...     file.read()
        b'abc'
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        with open_regular(source, ImageError) as file:
            yield file
    elif source.seekable():
        source.seek(0)
        yield source
    else:
        yield io.BytesIO(source.read())


def _open_by_content(file: BinaryIO, name: str, frame: int | None, *, check_data: bool) -> Image.Image:
    """Open an image by the format of its first bytes, whatever its suffix.

    The registered formats are asked directly: Pillow's own `Image.open` warns, or raises, above limits that are global to the
    process, while this library has a limit of its own.
    """
    file.seek(0)
    prefix = file.read(_PREFIX_BYTES)
    if is_dicom(prefix):
        return _open_dicom(file, name, frame)
    if frame is not None:
        raise ImageError(f"{name}#{frame}: only a DICOM file has frames to name; give {name}")
    if prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIC_BRANDS:
        return _open_heic(file, name)
    for kind in FORMATS:
        factory, accept = Image.OPEN[kind]
        # For a file that this Pillow was built without support for, AVIF and WebP return a message in place of True.
        if accept is None or accept(prefix[:16]) is True or (accept(prefix[:16]) and kind not in ("AVIF", "WEBP")):
            if kind == "TIFF":
                return open_tiff(file)
            _check_before_opening(kind, file, prefix, name, check_data=check_data)
            file.seek(0)
            image = factory(file, "")
            check_size(image.size, name)
            if image.format in ("JPEG", "MPO"):
                check_jpeg(image, file, name)
            if kind == "BMP":
                check_bmp(image, name)
            if kind == "AVIF" and check_data:
                check_decoder(image.size, kind, name)  # it decodes the image
                check_avif_data(file)
            if kind == "PNG":
                correct_transparency(image)
            return image
    raise UnidentifiedImageError


def _check_before_opening(kind: str, file: BinaryIO, prefix: bytes, name: str, *, check_data: bool) -> None:
    check_length(kind, file)
    if kind == "WEBP" and (size := webp_size(prefix)):
        check_decoder(size, kind, name)
        if check_data:
            check_webp_data(file)
    if kind == "JPEG":
        check_jpeg_tags(file)
    elif kind == "AVIF":
        check_boxed_tags(file)


def _is_closed(image: Image.Image, error: Exception) -> bool:
    """Return whether a PIL image cannot be decoded because it, or its file, was closed before."""
    file = getattr(image, "fp", None)
    is_decoded = not getattr(image, "tile", None)
    return "closed" in str(error) or (not is_decoded and (file is None or bool(getattr(file, "closed", False))))


def _is_empty(source: Any) -> bool:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return not source
    try:
        return isinstance(source, (str, os.PathLike)) and Path(source).stat().st_size == 0
    except (OSError, ValueError):  # a name with a zero byte is none
        return False


def _open_heic(file: BinaryIO, name: str) -> Image.Image:
    try:
        import pillow_heif  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(f"{name}: {missing_package_error('pillow_heif')}") from error
    check_length("HEIF", file)
    check_boxed_tags(file)
    file.seek(0)
    heif = pillow_heif.open_heif(file)
    check_decoder(heif.size, "HEIF", name)  # before decoding: the pixels may not fit in memory
    image: Image.Image = heif.to_pillow()
    image.format = "HEIF"
    return image


def _open_dicom(file: BinaryIO, name: str, frame: int | None) -> Image.Image:
    try:
        from melanoma_detect.images.dicom import decode_dicom  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(f"{name}: {missing_package_error('pydicom')}") from error
    return decode_dicom(file, MAX_PIXELS, frame=frame, name=name)
