"""Who is near whom among many perceptual hashes, without comparing every pair: an index of faiss does the search.

Up to 20,000 codes are compared one with another (exactly, in a second); beyond, faiss's binary multi-hash finds all within the
radius that agree on one of some dozen stretches of bits, give or take one bit.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.perceptual_hash import BITS, Codes

EXACT = 20_000
_AT_ONCE = 4096


class Pairs(NamedTuple):
    """Pairs of images that look alike.

    Attributes:
        first: Positions, `(n,)`, ascending.
        second: Positions, `(n,)`, each over its `first`.
        bits: By how many of 256 bits they differ, `(n,)`.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    bits: NDArray[np.int64]


def find_pairs(codes: Codes, queries: Codes, owners: NDArray[np.int64], *, radius: int) -> Pairs:
    """Find all pairs of images of which one's query lies near the other's code.

    Args:
        codes: One code an image, uint8 `(n, 32)`.
        queries: What to look up, uint8 `(m, 32)`.
        owners: Which image each query belongs to, `(m,)`.
        radius: By how many bits two may differ.

    Returns:
        Each pair once, with its smallest distance.

    Examples:
        >>> codes = np.zeros((3, 32), np.uint8)
        >>> codes[2] = 255
        >>> find_pairs(codes, codes, np.arange(3), radius=24).second
        array([1])
    """
    none = np.empty((0, 3), np.int64)
    rows = np.concatenate([none, *_near(codes, queries, owners, radius)]) if len(codes) else none
    if not len(rows):
        return Pairs(*none.T)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    first_of_pair = np.r_[True, (np.diff(rows[:, :2], axis=0) != 0).any(axis=1)]
    return Pairs(*rows[first_of_pair].T)


def near_any(codes: Codes, queries: Codes, *, radius: int) -> NDArray[np.bool_]:
    """Say which queries lie near any of the codes.

    Args:
        codes: uint8 `(n, 32)`.
        queries: What to look up, uint8 `(m, 32)`.
        radius: By how many bits two may differ.

    Returns:
        `(m,)`.

    Examples:
        >>> codes = np.zeros((3, 32), np.uint8)
        >>> near_any(codes, np.stack([codes[0], codes[0] + 255]), radius=24).tolist()
        [True, False]
    """
    if not len(codes) or not len(queries):
        return np.zeros(len(queries), np.bool_)
    index = _index(codes)
    parts = [
        np.diff(index.range_search(np.ascontiguousarray(queries[at : at + _AT_ONCE]), radius + 1)[0].astype(np.int64))
        > 0
        for at in range(0, len(queries), _AT_ONCE)
    ]
    return np.concatenate(parts)


def _near(codes: Codes, queries: Codes, owners: NDArray[np.int64], radius: int) -> Iterator[NDArray[np.int64]]:
    """Yield rows of (smaller position, larger position, bits), some of them twice."""
    index = _index(codes)
    for at in range(0, len(queries), _AT_ONCE):
        asked = np.ascontiguousarray(queries[at : at + _AT_ONCE])
        # faiss takes the radius as exclusive.
        limits, bits, found = index.range_search(asked, radius + 1)
        asking = np.repeat(owners[at : at + _AT_ONCE], np.diff(limits.astype(np.int64)))
        other = asking != found
        pair = np.sort(np.stack([asking[other], found[other]], axis=1), axis=1)
        yield np.column_stack([pair, bits[other].astype(np.int64)])


def _index(codes: Codes) -> Any:
    import faiss  # noqa: PLC0415 - only whoever looks for duplicates needs it

    index: Any
    if len(codes) <= EXACT:
        index = faiss.IndexBinaryFlat(BITS)
    else:
        # Stretches as long as keep the buckets small: the work per query then hardly grows with the set.
        stretch = min(int(np.ceil(np.log2(len(codes)))) + 2, 22)
        index = faiss.IndexBinaryMultiHash(BITS, BITS // stretch, stretch)
        index.nflip = 1
    index.add(np.ascontiguousarray(codes))
    return index
