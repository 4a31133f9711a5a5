"""Which images show the same: by their hashes, and where those are near but not near enough, by their fine detail."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, ndimage

from melanoma_detect.data.neighbours import EXACT, find_pairs
from melanoma_detect.images.perceptual_hash import Fingerprint
from melanoma_detect.images.reader import load

# Of 5,984 images of different lesions, the two that look most alike differ by 30 bits; an image and itself turned, mirrored,
# rescaled or compressed again by at most 26, nine in ten by at most 12.
SAME = 24
# Between the two, fine detail decides: a lesion photographed twice correlates over 0.8, two lesions under 0.75.
MAYBE = 48
_DETAIL = 0.8
_SIDE = 128
_BLUR = 2.5  # pixels of 128: what is coarser is the same in all round lesions


@dataclass(frozen=True, slots=True)
class Alike:
    """Two images that show the same.

    Attributes:
        first: Position of the one.
        second: Position of the other, over `first`.
        bits: By how many of 256 bits their hashes differ.
        kind: `"image"`: one image, at most turned, mirrored, cropped to its centre, rescaled or compressed again;
            `"lesion"`: two images of one lesion.
    """

    first: int
    second: int
    bits: int
    kind: Literal["image", "lesion"]


def find_alike(paths: Sequence[Path], fingerprints: Sequence[Fingerprint | None]) -> list[Alike]:
    """Find the images that show the same image, or the same lesion from nearly the same view.

    Lesions seen twice are looked for among up to 20,000 images; beyond, only the same images are found. What is turned by
    other than right angles, or cropped by more than to its centre, escapes.

    Args:
        paths: The files.
        fingerprints: The hashes of each; None for those that take no part.

    Returns:
        Pairs, each once.

    Examples:
        >>> from melanoma_detect.images.perceptual_hash import fingerprint
        >>> files = sorted((isic9 / "Test" / "nevus").glob("*.jpg"))
        >>> find_alike(files, [fingerprint(Image.open(file)) for file in files])
        []
    """
    taking_part = [at for at, found in enumerate(fingerprints) if found is not None]
    known = [found for found in fingerprints if found is not None]
    if len(known) < 2:
        return []
    codes = np.stack([found.code for found in known])
    queries = np.concatenate([found.queries for found in known])
    owners = np.repeat(np.arange(len(known)), [len(found.queries) for found in known])
    pairs = [
        Alike(taking_part[first], taking_part[second], int(bits), "image")
        for first, second, bits in zip(*find_pairs(codes, queries, owners, radius=SAME), strict=True)
    ]
    sure = {(pair.first, pair.second) for pair in pairs}
    seen_again = _lesions_seen_again([paths[at] for at in taking_part], known)
    for first, second, bits in seen_again:
        if (taking_part[first], taking_part[second]) not in sure:
            pairs.append(Alike(taking_part[first], taking_part[second], bits, "lesion"))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def same_detail(one: Path, other: Path) -> float:
    """Return how well the fine detail of two images agrees, at best over shifts and right-angle turns.

    Args:
        one: An image file.
        other: Another one.

    Returns:
        The correlation of their detail, about 0 for strangers, 1 for the same image.

    Raises:
        ImageError: One of them cannot be read.

    Examples:
        >>> photo = isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"
        >>> round(same_detail(photo, photo), 3)
        1.0
    """
    first, second = _detail(one), _detail(other)
    wave = np.conj(fft.rfft2(second))
    turned = [turn for flipped in (first, first.T) for turn in _flips(flipped)]
    return max(float(fft.irfft2(fft.rfft2(turn) * wave, s=turn.shape).max()) for turn in turned)


def _lesions_seen_again(paths: Sequence[Path], known: Sequence[Fingerprint]) -> list[tuple[int, int, int]]:
    if len(known) > EXACT:
        return []
    codes = np.stack([found.code for found in known])
    every = np.concatenate([found.turned for found in known])
    pairs = find_pairs(codes, every, np.repeat(np.arange(len(known)), 8), radius=MAYBE)
    return [
        (int(first), int(second), int(bits))
        for first, second, bits in zip(*pairs, strict=True)
        if bits > SAME and same_detail(paths[first], paths[second]) >= _DETAIL
    ]


def _flips(detail: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [detail, detail[::-1], detail[:, ::-1], detail[::-1, ::-1]]


def grey_square(path: Path) -> NDArray[np.float32]:
    """Read an image as 128×128 grey levels.

    Args:
        path: An image file.

    Returns:
        float32 `(128, 128)`, 0 to 255.

    Raises:
        ImageError: It cannot be read.

    Examples:
        >>> grey_square(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").shape
        (128, 128)
    """
    small = load(path, (_SIDE, _SIDE)).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32)


def fine_detail(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what is left of an image without its coarse shapes, faded out at the rim, as a vector of length 1.

    Args:
        grey: `(128, 128)`.

    Returns:
        `(128, 128)`; all 0 for an image of one even colour.

    Examples:
        >>> float(np.square(fine_detail(np.eye(128, dtype=np.float32))).sum().round(3))
        1.0
    """
    side = len(grey)
    detail = (grey - ndimage.gaussian_filter(grey, _BLUR)) * np.outer(np.hanning(side), np.hanning(side))
    detail -= detail.mean()
    length = float(np.sqrt(np.square(detail).sum()))
    whole: NDArray[np.float32] = (detail / length if length else detail).astype(np.float32)
    return whole


@lru_cache(maxsize=256)
def _detail(path: Path) -> NDArray[np.float32]:
    return fine_detail(grey_square(path))
