"""Search among perceptual hashes, with NumPy alone: every code within a number of bits, without comparing all with all.

A code is cut into sixteen stretches of sixteen bits. Two codes that differ by fewer than 32 bits agree on one of the stretches,
up to one bit, so it is enough to compare those that do (Norouzi, Punjani and Fleet, "Fast search in Hamming space with
multi-index hashing", CVPR 2012). Nothing within the radius is missed.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.perceptual_hash import BITS, Codes

MAX_RADIUS = 31
_STRETCHES = 16
_VALUES = 2**16  # of one stretch
_BATCH = 4096  # queries: bounds the memory of one step
_MAX_CANDIDATES = 2**21  # pairs compared at once, 32 bytes each
# Each stretch takes one frequency of every row and of every column: neighbours in a row are alike in many images.
_ORDER = np.concatenate([[row * 16 + (start + row) % 16 for row in range(16)] for start in range(16)])
_FLIPS = np.concatenate([[0], 1 << np.arange(16)])  # one bit of a stretch, or none
_ONES = np.array([value.bit_count() for value in range(256)], dtype=np.uint8)


class Neighbours(NamedTuple):
    """Pairs of a query and a code near it.

    Attributes:
        query: Position of the query, `(n,)`, ascending.
        code: Position of the code, `(n,)`, ascending for each query.
        bits: By how many of 256 bits they differ, `(n,)`.
    """

    query: NDArray[np.int64]
    code: NDArray[np.int64]
    bits: NDArray[np.int64]


class HashSearch:
    """An index of codes.

    Args:
        codes: uint8 `(n, 32)`.

    Examples:
        >>> codes = np.zeros((3, 32), np.uint8)
        >>> codes[2] = 255
        >>> HashSearch(codes).find(codes[:1], radius=24).code
        array([0, 1])
    """

    def __init__(self, codes: Codes) -> None:
        self._codes = np.ascontiguousarray(codes)

    def find(self, queries: Codes, *, radius: int) -> Neighbours:
        """Find every code near each query.

        Args:
            queries: uint8 `(m, 32)`.
            radius: By how many bits two codes may differ, 0 to 31.

        Returns:
            The pairs, in order.

        Raises:
            ValueError: The radius is out of range.

        Examples:
            >>> codes = np.zeros((1, 32), np.uint8)
            >>> HashSearch(codes).find(codes + 1, radius=31).bits
            array([], dtype=int64)
        """
        if not 0 <= radius <= MAX_RADIUS:
            raise ValueError(f"radius={radius}; expected 0 to {MAX_RADIUS} of {BITS} bits")
        found = [np.empty((0, 3), np.int64)]
        if len(self._codes):
            for start in range(0, len(queries), _BATCH):
                found += self._find_batch(np.ascontiguousarray(queries[start : start + _BATCH]), start, radius)
        rows = np.unique(np.concatenate(found), axis=0)  # two codes may agree on several stretches
        return Neighbours(*rows.T)

    @cached_property
    def _tables(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each stretch: the positions sorted by its value, and where each value starts among them."""
        tables = []
        for values in _stretches(self._codes).T:
            starts = np.concatenate([[0], np.cumsum(np.bincount(values, minlength=_VALUES))])
            tables.append((np.argsort(values, kind="stable"), starts))
        return tables

    def _find_batch(self, queries: Codes, first: int, radius: int) -> list[NDArray[np.int64]]:
        found = []
        for values, (order, starts) in zip(_stretches(queries).T, self._tables, strict=True):
            wanted = values[:, None] ^ _FLIPS
            low, counts = starts[wanted].ravel(), (starts[wanted + 1] - starts[wanted]).ravel()
            ends = np.cumsum(counts)
            for begin in range(0, int(ends[-1]), _MAX_CANDIDATES):
                number = np.arange(begin, min(begin + _MAX_CANDIDATES, int(ends[-1])))
                probe = np.searchsorted(ends, number, side="right")
                query = probe // len(_FLIPS)
                code = order[low[probe] + number - (ends[probe] - counts[probe])]
                bits = _count_bits(queries[query] ^ self._codes[code])
                near = bits <= radius
                found.append(np.column_stack([first + query[near], code[near], bits[near]]))
        return found


def _stretches(codes: Codes) -> NDArray[np.int64]:
    """Return the values of the sixteen stretches of each code, `(n, 16)`."""
    bits = np.unpackbits(codes, axis=1)[:, _ORDER].reshape(len(codes), _STRETCHES, 16)
    octets = np.packbits(bits, axis=2).astype(np.int64)
    return octets[..., 0] * 256 + octets[..., 1]


def _count_bits(codes: Codes) -> NDArray[np.int64]:
    # bitwise_count comes with NumPy 2.0, and is ten times as fast.
    ones = np.bitwise_count(codes.view(np.uint64)) if hasattr(np, "bitwise_count") else _ONES[codes]
    counts: NDArray[np.int64] = ones.sum(axis=1, dtype=np.int64)
    return counts
