"""Near duplicates: perceptual hashes propose pairs of images, and where they are not close enough, fine detail decides.

Up to 20,000 codes are compared all with all (exactly, in a second). Beyond, the binary multi-hash index of faiss finds the
codes within the radius that agree, up to one bit, on one of some dozen stretches of bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.fine_detail import DETAIL_SIDE, MIN_CORRELATION, correlate, fine_detail, grey_levels
from melanoma_detect.images.perceptual_hash import BITS, SAME_BITS, Codes, Fingerprint
from melanoma_detect.images.reader import load_rgb
from melanoma_detect.utils.arrays import Float32Array

MAYBE_BITS = 48  # between this limit and SAME_BITS fine detail decides
EXACT = 20_000  # codes: comparing all with all grows with the square of their number
_BATCH = 4096  # queries: bounds the memory of one call


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two images that show the same.

    Attributes:
        first: Position of one image.
        second: Position of the other, over `first`.
        bits: By how many of 256 bits their hashes differ.
        kind: `"image"`: one image, at most turned, mirrored, cropped to its centre, rescaled or compressed again;
            `"lesion"`: two images of one lesion.
    """

    first: int
    second: int
    bits: int
    kind: Literal["image", "lesion"]


class Pairs(NamedTuple):
    """Pairs of similar codes.

    Attributes:
        first: Positions, `(n,)`, ascending.
        second: Positions, `(n,)`, each over its `first`.
        bits: By how many of 256 bits they differ, `(n,)`.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    bits: NDArray[np.int64]


def find_near_duplicates(paths: Sequence[Path], fingerprints: Sequence[Fingerprint | None]) -> list[NearDuplicate]:
    """Find the images that show the same image, or the same lesion from nearly the same view.

    Pairs of one lesion are looked for among up to 20,000 images; beyond, only pairs of one image. An image that was turned by
    another angle than a right one, or cropped to another part than its centre, is not found.

    Args:
        paths: The files.
        fingerprints: The hashes of each; None for those that take no part.

    Returns:
        Pairs, each once, in order.

    Examples:
        >>> from melanoma_detect.images.perceptual_hash import fingerprint
        >>> files = sorted((isic9 / "Test" / "nevus").glob("*.jpg"))
        >>> find_near_duplicates(files, [fingerprint(load_rgb(file)) for file in files])
        []
    """
    positions = [index for index, fingerprint in enumerate(fingerprints) if fingerprint is not None]
    known = [fingerprint for fingerprint in fingerprints if fingerprint is not None]
    if len(known) < 2:
        return []
    codes = np.stack([fingerprint.code for fingerprint in known])
    queries = np.concatenate([fingerprint.queries for fingerprint in known])
    owners = np.repeat(np.arange(len(known)), [len(fingerprint.queries) for fingerprint in known])
    same = _rows(find_pairs(codes, queries, owners, radius=SAME_BITS))
    pairs = [NearDuplicate(positions[first], positions[second], bits, "image") for first, second, bits in same]
    images = {(first, second) for first, second, _ in same}
    pairs += [
        NearDuplicate(positions[first], positions[second], bits, "lesion")
        for first, second, bits in _find_lesion_pairs([paths[index] for index in positions], known)
        if (first, second) not in images
    ]
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def correlate_detail(path: Path, other: Path) -> float:
    """Return the correlation of the fine detail of two images, the highest over shifts and right-angle turns.

    Args:
        path: An image file.
        other: Another one.

    Returns:
        About 0 for different lesions, 1 for the same image.

    Raises:
        ImageError: One of them cannot be read.

    Examples:
        >>> photo = isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"
        >>> round(correlate_detail(photo, photo), 3)
        1.0
    """
    return correlate(_read_detail(path), _read_detail(other))


def read_grey(path: Path) -> Float32Array:
    """Read an image as 128×128 grey levels.

    Args:
        path: An image file.

    Returns:
        float32 `(128, 128)`, 0 to 255.

    Raises:
        ImageError: It cannot be read.

    Examples:
        >>> read_grey(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").shape
        (128, 128)
    """
    return grey_levels(load_rgb(path, (DETAIL_SIDE, DETAIL_SIDE)))


def find_pairs(codes: Codes, queries: Codes, owners: NDArray[np.int64], *, radius: int) -> Pairs:
    """Find all pairs of images of which one's query lies near the other's code.

    Args:
        codes: One code an image, uint8 `(n, 32)`.
        queries: The codes to look up, uint8 `(m, 32)`.
        owners: The image that each query belongs to, `(m,)`.
        radius: By how many bits two codes may differ.

    Returns:
        Each pair once, with its smallest distance.

    Examples:
        >>> codes = np.zeros((3, 32), np.uint8)
        >>> codes[2] = 255
        >>> find_pairs(codes, codes, np.arange(3), radius=24).second
        array([1])
    """
    none = np.empty((0, 3), np.int64)
    rows = np.concatenate([none, *_search_pairs(codes, queries, owners, radius)]) if len(codes) else none
    if not len(rows):
        return Pairs(*none.T)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    first_of_pair = np.r_[True, (np.diff(rows[:, :2], axis=0) != 0).any(axis=1)]
    return Pairs(*rows[first_of_pair].T)


def near_any(codes: Codes, queries: Codes, *, radius: int) -> NDArray[np.bool_]:
    """Return which queries lie near any of the codes.

    Args:
        codes: uint8 `(n, 32)`.
        queries: The codes to look up, uint8 `(m, 32)`.
        radius: By how many bits two codes may differ.

    Returns:
        `(m,)`.

    Examples:
        >>> codes = np.zeros((3, 32), np.uint8)
        >>> near_any(codes, np.stack([codes[0], codes[0] + 255]), radius=24).tolist()
        [True, False]
    """
    if not len(codes) or not len(queries):
        return np.zeros(len(queries), np.bool_)
    counts = [np.diff(limits) for limits, _, _ in _search(_build_index(codes), queries, radius)]
    return np.concatenate(counts) > 0


def _rows(pairs: Pairs) -> list[tuple[int, int, int]]:
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.bits.tolist(), strict=True))


def _find_lesion_pairs(paths: Sequence[Path], known: Sequence[Fingerprint]) -> list[tuple[int, int, int]]:
    if len(known) > EXACT:
        return []
    codes = np.stack([fingerprint.code for fingerprint in known])
    turned = np.concatenate([fingerprint.orientations for fingerprint in known])
    pairs = find_pairs(codes, turned, np.repeat(np.arange(len(known)), 8), radius=MAYBE_BITS)
    return [
        (first, second, bits)
        for first, second, bits in _rows(pairs)
        if bits > SAME_BITS and correlate_detail(paths[first], paths[second]) >= MIN_CORRELATION
    ]


@lru_cache(maxsize=256)
def _read_detail(path: Path) -> Float32Array:
    return fine_detail(read_grey(path))


def _search_pairs(codes: Codes, queries: Codes, owners: NDArray[np.int64], radius: int) -> Iterator[NDArray[np.int64]]:
    """Yield rows of (smaller position, larger position, bits), some of them twice."""
    start = 0
    for limits, bits, positions in _search(_build_index(codes), queries, radius):
        count = len(limits) - 1
        owner = np.repeat(owners[start : start + count], np.diff(limits))
        start += count
        other = owner != positions  # every image is near itself
        pair = np.sort(np.stack([owner[other], positions[other]], axis=1), axis=1)
        yield np.column_stack([pair, bits[other].astype(np.int64)])


def _search(
    index: Any, queries: Codes, radius: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]]:
    """Yield for each batch of queries where each one's results start, the distances, and the positions."""
    for start in range(0, len(queries), _BATCH):
        batch = np.ascontiguousarray(queries[start : start + _BATCH])
        # faiss takes the radius as exclusive.
        limits, bits, positions = index.range_search(batch, radius + 1)
        yield limits.astype(np.int64), bits, positions


def _build_index(codes: Codes) -> Any:
    import faiss  # noqa: PLC0415 - heavy, and needed only to look for duplicates

    index: Any
    if len(codes) <= EXACT:
        index = faiss.IndexBinaryFlat(BITS)
    else:
        # Stretches of log2(n) bits keep the buckets small: the work per query then hardly grows with the set.
        stretch = min(int(np.ceil(np.log2(len(codes)))) + 2, 22)
        index = faiss.IndexBinaryMultiHash(BITS, BITS // stretch, stretch)
        index.nflip = 1
    index.add(np.ascontiguousarray(codes))
    return index
