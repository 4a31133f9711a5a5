"""Many pictures read at once."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from melanoma_detect.data.images import Pixels, Resize, read


def decode_all(paths: Sequence[Path], size: tuple[int, int]) -> Pixels:
    """Read every picture into one array, by several threads (decoding releases the interpreter's lock).

    Args:
        paths: Picture files.
        size: `(height, width)` in pixels.

    Returns:
        A uint8 array `(n, height, width, 3)`.

    Raises:
        ImageError: A picture cannot be decoded; the message names it.

    Examples:
        >>> decode_all([], size=(180, 180)).shape
        (0, 180, 180, 3)
    """
    pixels = np.empty((len(paths), *size, 3), np.uint8)

    def decode(index: int) -> None:
        pixels[index] = read(paths[index], size)

    with ThreadPoolExecutor(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()) as pool:
        for _ in pool.map(decode, range(len(paths))):
            pass
    return pixels


class DecodedPictures:
    """Pictures that were decoded already, kept for whoever asks for them again."""

    def pixels(self, digests: Sequence[str], paths: Sequence[Path], size: tuple[int, int], resize: Resize) -> Pixels:
        """Return pictures, decoding those that are not kept yet."""
        return decode_all(paths, size)

    def keep(self, digests: Sequence[str], pixels: Pixels, size: tuple[int, int], resize: Resize) -> None:
        """Keep pictures that were decoded elsewhere."""
