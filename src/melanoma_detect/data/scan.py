"""One pass over files: digest, perceptual hash, and the pixels at the model's size."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from melanoma_detect.errors import ImageError
from melanoma_detect.images.perceptual_hash import Fingerprint, fingerprints, thumbnails
from melanoma_detect.images.reader import Pixels, Resize, StretchedImage, load_rgb, min_decode_size, resize_image
from melanoma_detect.utils.arrays import Float32Array

ImageFile: TypeAlias = Path | StretchedImage
Stamp: TypeAlias = tuple[int, int]

_CHUNK = 16  # files that a thread reads in one go: handing over each by itself costs as much as hashing it
_CHUNKS = 16  # in a batch; two batches are in flight, and memory stays flat however many files there are


@dataclass(frozen=True, slots=True)
class Scan:
    """The results of scanning one file.

    Attributes:
        digest: SHA-256 of its bytes; empty where it cannot be opened.
        error: Why it cannot be read; None for an image.
        fingerprint: Its perceptual hashes; None where it cannot be read or shows one even colour.
        stamp: Its size and time of change before it was read; None where there is no such file.
    """

    digest: str
    error: str | None = None
    fingerprint: Fingerprint | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class _FileScan:
    """A scan before its perceptual hashes are taken."""

    digest: str
    error: str | None = None
    thumbnails: Float32Array | None = None
    stamp: Stamp | None = None


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
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error


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
    """Return the size and the time of change of a file: while both are the same, it counts as unchanged.

    Args:
        image: The file.

    Returns:
        Bytes, and nanoseconds since 1970; None where there is no such file.

    Examples:
        >>> file_stamp(isic9 / "nothing.jpg") is None
        True
    """
    try:
        status = os.stat(image)  # noqa: PTH116 - also for images that are stretched back
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


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

    def scan_range(indices: range) -> list[_FileScan]:
        return [_scan_file(images[index], size, resize, None if pixels is None else pixels[index]) for index in indices]

    ranges = (range(start, min(start + _CHUNK, len(images))) for start in range(0, len(images), _CHUNK))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # While the threads read one batch, this one takes the hashes of the batch before.
        reading = [pool.submit(scan_range, chunk) for chunk in islice(ranges, _CHUNKS)]
        while reading:
            files = [file for future in reading for file in future.result()]
            reading = [pool.submit(scan_range, chunk) for chunk in islice(ranges, _CHUNKS)]
            yield from _finish(files)


def _scan_file(image: ImageFile, size: tuple[int, int], resize: Resize, pixels: Pixels | None) -> _FileScan:
    # Before the file is read: if it is written meanwhile, the next look finds another stamp.
    sha256, stamp = "", file_stamp(image)
    try:
        sha256 = digest(Path(image))
        decoded = load_rgb(image, min_decode_size(size, resize))
    except ImageError as error:
        return _FileScan(sha256, error=str(error), stamp=stamp)
    if pixels is not None:
        pixels[:] = resize_image(decoded, size, resize)
    return _FileScan(sha256, thumbnails=thumbnails(decoded), stamp=stamp)


def _finish(files: Sequence[_FileScan]) -> Iterator[Scan]:
    """Take the hashes of a batch at once: one call of NumPy is as expensive for one image as for many."""
    small = [file.thumbnails for file in files if file.thumbnails is not None]
    hashes = iter(fingerprints(np.stack(small)) if small else [])
    for file in files:
        fingerprint = None if file.thumbnails is None else next(hashes)
        yield Scan(file.digest, file.error, fingerprint, file.stamp)
