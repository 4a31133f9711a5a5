"""Decoded images, read in parallel and cached in memory or in a memory-mapped file."""

import math
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DataWarning, OutputError
from melanoma_detect.images.pixel_file import StorePixels, map_pixels
from melanoma_detect.images.reader import ImageLike, Pixels, Resize, read_pixels
from melanoma_detect.utils.progress import stage
from melanoma_detect.utils.user_warning import warn_user

_MEMORY_SHARE = 4  # a quarter of the machine's memory: the network and the system need the rest
_MOST_MEMORY_SHARE = 2  # half of it where the disk has no room: slower than either, but the work is done
_UNKNOWN_MEMORY = 8 * 2**30  # what is assumed where the system does not say


def decode_all(
    images: Sequence[ImageLike], size: tuple[int, int], resize: Resize = "squash", into: Pixels | None = None
) -> Pixels:
    """Read images into one array, by several threads (decoding releases the interpreter's lock).

    Args:
        images: What `images.reader.read_pixels` takes.
        size: `(height, width)` in pixels.
        resize: How images of another shape are brought to that size.
        into: The array to fill; None for a new one.

    Returns:
        A uint8 array `(n, height, width, 3)`.

    Raises:
        ImageError: An image cannot be decoded; the message names it.

    Examples:
        >>> decode_all([], size=(180, 180)).shape
        (0, 180, 180, 3)
    """
    pixels = np.empty((len(images), *size, 3), np.uint8) if into is None else into

    def keep(index: int, image: Pixels) -> None:
        pixels[index] = image

    _decode_each(images, size, resize, keep)
    return pixels


def _decode_each(images: Sequence[ImageLike], size: tuple[int, int], resize: Resize, keep: StorePixels) -> None:
    """Read images by several threads, and hand each to a function with its position."""

    def decode(index: int) -> None:
        keep(index, read_pixels(images[index], size, resize))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in stage(pool.map(decode, range(len(images))), "reading images", len(images)):
            pass


class PixelCache:
    """A cache of decoded images, by digest, size and way to resize.

    A dataset holds one and shares it with every dataset that is derived from it. Images that are needed together are cached in
    memory where all of them fit; else in a file of the cache folder, which later processes use too. Where that folder has no
    room for them, up to half of the machine's memory is used.

    Args:
        memory: How many bytes to cache in memory; a quarter of the machine's memory where it is None.

    Examples:
        >>> cache = PixelCache()
        >>> photo = isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"
        >>> first = cache.pixels(["a"], [photo], (32, 32), "squash")
        >>> np.shares_memory(first, cache.pixels(["a"], [photo], (32, 32), "squash"))
        True
    """

    def __init__(self, memory: int | None = None) -> None:
        self.memory = memory if memory is not None else _total_memory() // _MEMORY_SHARE
        self._lock = threading.Lock()
        self._rows: dict[Any, dict[str, tuple[Pixels, int]]] = {}
        self._bytes = 0

    def __reduce__(self) -> tuple[type["PixelCache"], tuple[int]]:
        # Pickled without the images: worker processes decode the few that they need faster than they receive all.
        return PixelCache, (self.memory,)

    def fits(self, count: int, size: tuple[int, int]) -> bool:
        """Return whether more images fit in memory, besides those that are cached.

        Args:
            count: How many images.
            size: `(height, width)` in pixels.

        Returns:
            Whether they fit.

        Examples:
            >>> PixelCache(memory=1000).fits(1, (180, 180))
            False
        """
        return self._bytes + count * size[0] * size[1] * 3 <= self.memory

    def add(self, digests: Sequence[str], pixels: Pixels, size: tuple[int, int], resize: Resize) -> None:
        """Add images that have been decoded elsewhere.

        Args:
            digests: A key for each image.
            pixels: uint8 `(n, height, width, 3)`; it becomes read-only.
            size: `(height, width)` in pixels.
            resize: How the images were brought to that size.

        Examples:
            >>> PixelCache().add(["a"], np.zeros((1, 32, 32, 3), np.uint8), (32, 32), "squash")
        """
        pixels.flags.writeable = False
        with self._lock:
            cached = self._rows.setdefault((size, resize), {})
            cached.update({digest: (pixels, row) for row, digest in enumerate(digests)})
            self._bytes += pixels.nbytes

    def get(self, digest: str, size: tuple[int, int], resize: Resize) -> Pixels | None:
        """Return one image if it is cached in memory.

        Args:
            digest: Its key.
            size: `(height, width)` in pixels.
            resize: How it was brought to that size.

        Returns:
            uint8 `(height, width, 3)`, or None.

        Examples:
            >>> PixelCache().get("a", (32, 32), "squash") is None
            True
        """
        array, row = self._rows.get((size, resize), {}).get(digest, (None, 0))
        return None if array is None else array[row]

    def pixels(
        self, digests: Sequence[str], images: Sequence[ImageLike], size: tuple[int, int], resize: Resize
    ) -> Pixels:
        """Return images, decoding those that are not cached.

        Args:
            digests: A key for each image.
            images: Where to read each, as `images.reader.read_pixels` takes it.
            size: `(height, width)` in pixels.
            resize: How images of another shape are brought to that size.

        Returns:
            A read-only uint8 array `(n, height, width, 3)`.

        Raises:
            ImageError: An image cannot be decoded; the message names it.
            OutputError: The images do not fit in memory, and the cache folder has no room or cannot be written.

        Warns:
            DataWarning: The cache folder has no room or cannot be written; the images are kept in memory.

        Examples:
            >>> PixelCache().pixels([], [], (32, 32), "squash").shape
            (0, 32, 32, 3)
        """
        pixels, rows = self.find_rows(digests, images, size, resize)
        start, count = int(rows[0]) if len(rows) else 0, len(rows)
        if (rows == np.arange(start, start + count)).all():
            return pixels[start : start + count]
        chosen = pixels[rows]
        chosen.flags.writeable = False
        return chosen

    def find_rows(
        self, digests: Sequence[str], images: Sequence[ImageLike], size: tuple[int, int], resize: Resize
    ) -> tuple[Pixels, NDArray[np.int64]]:
        """Return where images are cached, decoding those that are not: unlike `pixels`, without a copy where it can.

        Args:
            digests: A key for each image.
            images: Where to read each, as `images.reader.read_pixels` takes it.
            size: `(height, width)` in pixels.
            resize: How images of another shape are brought to that size.

        Returns:
            A read-only uint8 array `(m, height, width, 3)`, and the row of each image in it, `(n,)`.

        Raises:
            ImageError: An image cannot be decoded; the message names it.
            OutputError: The images do not fit in memory, and the cache folder has no room or cannot be written.

        Warns:
            DataWarning: The cache folder has no room or cannot be written; the images are kept in memory.

        Examples:
            >>> PixelCache().find_rows([], [], (32, 32), "squash")[1]
            array([], dtype=int64)
        """
        size = (int(size[0]), int(size[1]))
        cached = self._rows.get((size, resize), {})
        missing = {digest: image for digest, image in zip(digests, images, strict=True) if digest not in cached}
        if missing and not self.fits(len(missing), size):
            mapped = self._map(digests, images, size, resize)
            if mapped is not None:
                return mapped, np.arange(len(digests))
        if missing:
            self.add(list(missing), decode_all(list(missing.values()), size, resize), size, resize)
        return _locate([self._rows[size, resize][digest] for digest in digests], size)

    def _map(
        self, digests: Sequence[str], images: Sequence[ImageLike], size: tuple[int, int], resize: Resize
    ) -> Pixels | None:
        """Return images from a file of the cache folder; None where it has no room, but the memory has."""
        shape = (len(images), *size, 3)
        try:
            return map_pixels(digests, shape, resize, lambda keep: _decode_each(images, size, resize, keep))
        except OutputError as error:
            if self._bytes + math.prod(shape) > _total_memory() // _MOST_MEMORY_SHARE:
                raise
            warn_user(f"{error}; the images are kept in memory ({math.prod(shape) / 2**20:,.0f} MiB)", DataWarning)
            return None


def _locate(places: Sequence[tuple[Pixels, int]], size: tuple[int, int]) -> tuple[Pixels, NDArray[np.int64]]:
    """Return the array that holds all the images, and the row of each; where there are several arrays, a new one."""
    if not places:
        return np.empty((0, *size, 3), np.uint8), np.arange(0)
    first = places[0][0]
    if all(array is first for array, _ in places):
        return first, np.array([row for _, row in places], np.int64)
    pixels = np.empty((len(places), *size, 3), np.uint8)
    for index, (array, row) in enumerate(places):
        pixels[index] = array[row]
    pixels.flags.writeable = False
    return pixels, np.arange(len(places))


def _total_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return _UNKNOWN_MEMORY
