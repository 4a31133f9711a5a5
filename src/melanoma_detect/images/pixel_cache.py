"""Many images read at once, and kept for whoever asks for them again."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from melanoma_detect.images.reader import ImageLike, Pixels, Resize, read
from melanoma_detect.utils.files import cache_folder, writing_to

_SCHEMA = 1  # raise it when the same file gives other pixels


def decode_all(
    paths: Sequence[ImageLike], size: tuple[int, int], resize: Resize = "squash", into: Pixels | None = None
) -> Pixels:
    """Read every image into one array, by several threads (decoding releases the interpreter's lock).

    Args:
        paths: Image files.
        size: `(height, width)` in pixels.
        resize: How images of another shape come to that size.
        into: The array to fill, or None for a new one.

    Returns:
        A uint8 array `(n, height, width, 3)`.

    Raises:
        ImageError: An image cannot be decoded; the message names it.

    Examples:
        >>> decode_all([], size=(180, 180)).shape
        (0, 180, 180, 3)
    """
    pixels = np.empty((len(paths), *size, 3), np.uint8) if into is None else into

    def decode(index: int) -> None:
        pixels[index] = read(paths[index], size, resize)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(decode, range(len(paths))):
            pass
    return pixels


class PixelCache:
    """Images that were decoded already, kept for whoever asks for them again.

    A dataset holds one and hands it on to all that are made from it. Images are kept in memory while all that is asked for at
    once fits; else in a file of this library's cache that is mapped into memory, which later processes find again.

    Args:
        memory: How many bytes may be kept in memory; a quarter of what the machine has where it is None.

    Examples:
        >>> store = PixelCache()
        >>> photo = isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"
        >>> first = store.pixels(["a"], [photo], (32, 32), "squash")
        >>> np.shares_memory(first, store.pixels(["a"], [photo], (32, 32), "squash"))
        True
    """

    def __init__(self, memory: int | None = None) -> None:
        self.memory = memory if memory is not None else _total_memory() // 4
        self._lock = threading.Lock()
        self._kept: dict[Any, dict[str, tuple[Pixels, int]]] = {}
        self._bytes = 0

    def __reduce__(self) -> tuple[type["PixelCache"], tuple[int]]:
        # Workers in other processes decode what they need themselves.
        return PixelCache, (self.memory,)

    def fits(self, count: int, size: tuple[int, int]) -> bool:
        """Return whether so many images of a size fit in memory, besides what is kept already.

        Args:
            count: How many.
            size: `(height, width)` in pixels.

        Returns:
            Whether they do.

        Examples:
            >>> PixelCache(memory=1000).fits(1, (180, 180))
            False
        """
        return self._bytes + count * size[0] * size[1] * 3 <= self.memory

    def keep(self, digests: Sequence[str], pixels: Pixels, size: tuple[int, int], resize: Resize) -> None:
        """Keep images that were decoded elsewhere.

        Args:
            digests: What tells them apart.
            pixels: uint8 `(n, height, width, 3)`; it must not be changed any more.
            size: `(height, width)` in pixels.
            resize: How they came to that size.

        Examples:
            >>> PixelCache().keep(["a"], np.zeros((1, 32, 32, 3), np.uint8), (32, 32), "squash")
        """
        pixels.flags.writeable = False
        with self._lock:
            known = self._kept.setdefault((size, resize), {})
            known.update({digest: (pixels, row) for row, digest in enumerate(digests)})
            self._bytes += pixels.nbytes

    def pixels(
        self, digests: Sequence[str], paths: Sequence[ImageLike], size: tuple[int, int], resize: Resize
    ) -> Pixels:
        """Return images, decoding those that are not kept yet.

        Args:
            digests: What tells them apart.
            paths: Their files.
            size: `(height, width)` in pixels.
            resize: How they come to that size.

        Returns:
            uint8 `(n, height, width, 3)`, not to be written to.

        Raises:
            ImageError: An image cannot be decoded; the message names it.
            OutputError: They do not fit in memory, and the cache cannot be written.

        Examples:
            >>> PixelCache().pixels([], [], (32, 32), "squash").shape
            (0, 32, 32, 3)
        """
        size = (int(size[0]), int(size[1]))
        known = self._kept.get((size, resize), {})
        missing = {digest: path for digest, path in zip(digests, paths, strict=True) if digest not in known}
        if missing and not self.fits(len(missing), size):
            return _mapped(digests, paths, size, resize)
        if missing:
            self.keep(list(missing), decode_all(list(missing.values()), size, resize), size, resize)
        return _gather([self._kept[size, resize][digest] for digest in digests], size)


def _gather(found: Sequence[tuple[Pixels, int]], size: tuple[int, int]) -> Pixels:
    """Return rows of the kept arrays as one: a view where they follow each other, else a copy."""
    if not found:
        return np.empty((0, *size, 3), np.uint8)
    first, start = found[0]
    if all(array is first and row == start + at for at, (array, row) in enumerate(found)):
        return first[start : start + len(found)]
    pixels = np.empty((len(found), *size, 3), np.uint8)
    for at, (array, row) in enumerate(found):
        pixels[at] = array[row]
    pixels.flags.writeable = False
    return pixels


def _mapped(digests: Sequence[str], paths: Sequence[ImageLike], size: tuple[int, int], resize: Resize) -> Pixels:
    """Return images from a file in the cache, which is written when it is first asked for."""
    what = "\n".join([*digests, repr((size, resize)), PIL.__version__, str(_SCHEMA)])
    place = cache_folder("decoded") / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.npy"
    if not place.is_file():
        with writing_to(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as folder:
                partial = Path(folder, "partial.npy")
                array = np.lib.format.open_memmap(partial, "w+", np.uint8, (len(paths), *size, 3))
                decode_all(paths, size, resize, into=array)
                array.flush()
                del array
                partial.replace(place)
    mapped: Pixels = np.load(place, mmap_mode="r")
    return mapped


def _total_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system without sysconf
        return 8 * 2**30
