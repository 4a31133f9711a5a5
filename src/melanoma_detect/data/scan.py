"""One look at every file: its bytes, whether it can be read, what it looks like, and its pixels at the model's size."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from melanoma_detect.data.hashes import digest
from melanoma_detect.errors import ImageError
from melanoma_detect.images.perceptual_hash import Fingerprint, fingerprints, thumbnails
from melanoma_detect.images.reader import Pixels, Resize, fit, load, needed
from melanoma_detect.utils.arrays import Float32Array

_AT_ONCE = 512  # files in flight: memory stays flat however many there are


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look at a file says.

    Attributes:
        digest: SHA-256 of its bytes; empty where it cannot be opened.
        error: Why it cannot be read; None for an image.
        fingerprint: Its perceptual hashes; None where it cannot be read or shows one even colour.
    """

    digest: str
    error: str | None = None
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    digest: str
    error: str | None = None
    thumbnails: Float32Array | None = None


def scan(
    paths: Sequence["str | os.PathLike[str]"], size: tuple[int, int], resize: Resize, pixels: Pixels | None = None
) -> Iterator[Scan]:
    """Look at files, several at once, in order.

    Args:
        paths: The files.
        size: `(height, width)` in pixels that they will be read at.
        resize: How they come to that size.
        pixels: uint8 `(n, height, width, 3)` to fill on the way, or None.

    Yields:
        What each file is.

    Examples:
        >>> found = next(scan([isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"], (32, 32), "squash"))
        >>> found.error is None, len(found.digest), len(found.fingerprint.hex)
        (True, 64, 64)
    """

    def look(at: int) -> _Look:
        return _look(paths[at], size, resize, None if pixels is None else pixels[at])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        numbers = iter(range(len(paths)))
        while chunk := list(islice(numbers, _AT_ONCE)):
            yield from _with_fingerprints(list(pool.map(look, chunk)))


def _look(path: "str | os.PathLike[str]", size: tuple[int, int], resize: Resize, into: Pixels | None) -> _Look:
    found = ""
    try:
        found = digest(Path(path))
        image = load(path, needed(size, resize))
    except ImageError as error:
        return _Look(found, error=str(error))
    if into is not None:
        into[:] = fit(image, size, resize)
    return _Look(found, thumbnails=thumbnails(image))


def _with_fingerprints(looks: Sequence[_Look]) -> Iterator[Scan]:
    """Take the hashes of a chunk at once: NumPy has its price per call."""
    seen = [look.thumbnails for look in looks if look.thumbnails is not None]
    found = iter(fingerprints(np.stack(seen)) if seen else [])
    for look in looks:
        yield Scan(look.digest, look.error, None if look.thumbnails is None else next(found))
