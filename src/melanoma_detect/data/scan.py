"""One pass over files: digest, perceptual hash, what the header says, and the pixels at the model's size."""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from PIL import Image

from melanoma_detect.data.properties import Header, describe_header
from melanoma_detect.errors import ImageError
from melanoma_detect.images.formats import image_error
from melanoma_detect.images.perceptual_hash import Fingerprint, fingerprints, thumbnails, to_grey
from melanoma_detect.images.reader import (
    Pixels,
    Resize,
    Size,
    StretchedImage,
    load_rgb,
    min_decode_size,
    resize_image,
    stretch,
)
from melanoma_detect.utils.regular_files import open_regular

ImageFile: TypeAlias = Path | StretchedImage
Stamp: TypeAlias = tuple[int, int, int]

_CHUNK = 32  # files that a thread reads in one go: handing over each by itself costs as much as hashing it
_CHUNKS = 8  # in a batch; two batches are in flight, and memory stays flat however many files there are


@dataclass(frozen=True, slots=True)
class Scan:
    """The results of scanning one file.

    Attributes:
        digest: SHA-256 of its bytes; empty where it cannot be opened.
        error: Why it cannot be read; None for an image.
        fingerprint: Its perceptual hashes; None where it cannot be read or shows one even colour.
        stamp: Its size and times of change before it was read; None where there is no such file.
        header: What its header says; None for the formats that tell it only while they are decoded.
    """

    digest: str
    error: str | None = None
    fingerprint: Fingerprint | None = None
    stamp: Stamp | None = None
    header: Header | None = None


@dataclass(frozen=True, slots=True)
class _FileScan:
    """A scan before its perceptual hashes are taken."""

    digest: str
    error: str | None = None
    grey: Image.Image | None = None
    stamp: Stamp | None = None
    header: Header | None = None


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Args:
        path: A file.

    Returns:
        64 hexadecimal digits.

    Raises:
        ImageError: The file cannot be opened.

    Examples:
        >>> len(digest(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"))
        64
    """
    try:
        with open_regular(path, ImageError) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _cannot_open(path, error) from error


def digests(paths: Iterable[Path]) -> list[str]:
    """Return the digests of many files, read by several threads (hashing releases the interpreter's lock).

    Args:
        paths: Files.

    Returns:
        One digest a file, in order.

    Raises:
        ImageError: A file cannot be opened.

    Examples:
        >>> digests([])
        []
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(digest, paths))


def file_stamp(image: ImageFile) -> Stamp | None:
    """Return the size and the times of change of a file: while they are the same, it counts as unchanged.

    Args:
        image: The file.

    Returns:
        Bytes; when its content was changed last, which can be set back; when anything of it was changed, which cannot (on
        Windows, when it was made). Times are nanoseconds since 1970. None where there is no such file.

    Examples:
        >>> file_stamp(isic9 / "nothing.jpg") is None
        True
    """
    try:
        return _to_stamp(os.stat(image))  # noqa: PTH116 - also for images that are stretched back
    except OSError:
        return None


def scan(
    images: Sequence[ImageFile], size: tuple[int, int], resize: Resize, pixels: Pixels | None = None
) -> Iterator[Scan]:
    """Scan files, several at once.

    Args:
        images: The files.
        size: `(height, width)` in pixels that they will be read at.
        resize: How they are brought to that size.
        pixels: uint8 `(n, height, width, 3)` that receives the pixels, or None.

    Yields:
        One scan a file, in order.

    Examples:
        >>> result = next(scan([isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"], (32, 32), "squash"))
        >>> result.error is None, len(result.digest), len(result.fingerprint.hex)
        (True, 64, 64)
    """

    def scan_range(indices: range) -> list[Scan]:
        return _finish(
            [_scan_file(images[index], size, resize, None if pixels is None else pixels[index]) for index in indices]
        )

    ranges = (range(start, min(start + _CHUNK, len(images))) for start in range(0, len(images), _CHUNK))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # While the results of one batch are used, the threads read the next one.
        reading = [pool.submit(scan_range, chunk) for chunk in islice(ranges, _CHUNKS)]
        while reading:
            scans = [result for future in reading for result in future.result()]
            reading = [pool.submit(scan_range, chunk) for chunk in islice(ranges, _CHUNKS)]
            yield from scans


def _scan_file(image: ImageFile, size: Size, resize: Resize, pixels: Pixels | None) -> _FileScan:
    sha256, stamp = "", file_stamp(image)
    try:
        # The stamp comes before the content: if the file is written meanwhile, the next look finds another stamp.
        stamp, content = _read(image)
        sha256 = hashlib.sha256(content).hexdigest()
        decoded, header = _decode(image, content, min_decode_size(size, resize))
    except ImageError as error:
        return _FileScan(sha256, error=str(error), stamp=stamp)
    except Exception as error:  # noqa: BLE001 - one file must not stop a folder, whatever it does to a decoder
        return _FileScan(sha256, error=str(image_error(image, error)), stamp=stamp)
    if pixels is not None:
        pixels[:] = resize_image(decoded, size, resize)
    return _FileScan(sha256, grey=to_grey(decoded), stamp=stamp, header=header)


def _read(image: ImageFile) -> tuple[Stamp, bytes]:
    try:
        with open_regular(image, ImageError) as file:
            return _to_stamp(os.fstat(file.fileno())), file.read()
    except OSError as error:
        raise _cannot_open(image, error) from error


def _decode(image: ImageFile, content: bytes, min_size: Size) -> tuple[Image.Image, Header | None]:
    """Decode a file that has been read: its digest and its pixels come from the same bytes."""
    file, header = None, None

    def inspect(opened: Image.Image) -> None:
        nonlocal file, header
        file = opened
        header = describe_header(opened) if opened.format == "JPEG" else None  # it may be decoded at another size

    try:
        decoded = load_rgb(io.BytesIO(content), min_size, inspect=inspect)
    except ImageError as error:
        load_rgb(image, min_size)  # fails in the same way, with the file's name
        raise ImageError(f"{os.fspath(image)}: changed while it was read; load the dataset again") from error
    if file is not None and file.format in ("PNG", "WEBP"):  # a PNG may have its EXIF data after the pixels
        header = describe_header(file)
    if isinstance(image, StretchedImage):
        decoded = stretch(decoded, image.aspect)
    return decoded, header


def _to_stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _cannot_open(image: ImageFile, error: OSError) -> ImageError:
    return ImageError(f"{os.fspath(image)}: cannot be opened ({error.strerror}); check its permissions")


def _finish(files: Sequence[_FileScan]) -> list[Scan]:
    """Take the hashes of several files at once: a call of NumPy or Pillow is as expensive for one image as for many."""
    greys = [file.grey for file in files if file.grey is not None]
    hashes = iter(fingerprints(thumbnails(greys)) if greys else [])
    return [
        Scan(file.digest, file.error, None if file.grey is None else next(hashes), file.stamp, file.header)
        for file in files
    ]
