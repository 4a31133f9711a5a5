"""Duplicates that no perceptual hash finds, small turns and crops: a network proposes pairs, their fine detail decides."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy import fft, ndimage

from melanoma_detect.data.near_duplicates import NearDuplicate, read_grey
from melanoma_detect.data.record import Record
from melanoma_detect.images.fine_detail import MIN_CORRELATION, fine_detail
from melanoma_detect.utils.arrays import Float32Array

_NEIGHBOURS = 3
_EXACT = 100_000  # images: beyond, exact search takes minutes
_TURNS = (-10, -7.5, -5, -2.5, 0, 2.5, 5, 7.5, 10)  # degrees
_SCALES = (0.88, 0.94, 1.0, 1.06, 1.13)


def find_by_features(
    records: Sequence[Record], features: Float32Array, known: Sequence[NearDuplicate]
) -> list[NearDuplicate]:
    """Find images that are another one turned by up to 10 degrees, or cropped by up to an eighth.

    Each image is compared, in 45 turns and scales, with its nearest neighbours in a detector's feature space. Where their fine
    detail correlates, they show one lesion.

    Args:
        records: The images.
        features: Of each image by a detector, `(n, d)`; nan for an image that it could not read, which is left out.
        known: Pairs that are known already.

    Returns:
        New pairs; their `bits` are -1, as no hash was used.

    Examples:
        >>> find_by_features(data.test.records[:4], np.eye(4, dtype=np.float32), [])
        []
    """
    proposed = _nearest(features) - {(pair.first, pair.second) for pair in known}
    return [
        NearDuplicate(first, second, -1, "lesion")
        for first, second in sorted(proposed)
        if correlate_turned(records[first], records[second]) >= MIN_CORRELATION
    ]


def correlate_turned(record: Record, other: Record) -> float:
    """Return the correlation of the fine detail of two images, the highest over small turns, scales and shifts.

    Args:
        record: An image.
        other: Another one.

    Returns:
        About 0 for different lesions, 1 for the same image.

    Examples:
        >>> correlate_turned(data.records[0], data.records[0]) > 0.99
        True
    """
    grey, fixed = read_grey(record.path), fine_detail(read_grey(other.path))
    wave = np.conj(fft.rfft2(fixed))
    best = 0.0
    for turn, scale in product(_TURNS, _SCALES):
        detail = fine_detail(_warp(grey, turn, scale))
        best = max(best, float(fft.irfft2(fft.rfft2(detail) * wave, s=fixed.shape).max()))
    return best


def _nearest(features: Float32Array) -> set[tuple[int, int]]:
    """Return the pairs of each image and its nearest neighbours, by cosine similarity."""
    import faiss  # noqa: PLC0415 - heavy, and needed only to look for duplicates

    rows = np.flatnonzero(np.isfinite(features).all(axis=1))
    if len(rows) < 2:
        return set()
    centred = np.ascontiguousarray(features[rows] - features[rows].mean(axis=0))
    faiss.normalize_L2(centred)
    size = centred.shape[1]
    index = (
        faiss.IndexFlatIP(size) if len(centred) <= _EXACT else faiss.IndexHNSWFlat(size, 32, faiss.METRIC_INNER_PRODUCT)
    )
    index.add(centred)
    _, neighbours = index.search(centred, _NEIGHBOURS + 1)
    pairs = {
        (min(position, int(neighbour)), max(position, int(neighbour)))
        for position, row in enumerate(neighbours)
        for neighbour in row
        if neighbour >= 0 and neighbour != position
    }
    return {(int(rows[first]), int(rows[second])) for first, second in pairs}


def _warp(grey: Float32Array, degrees: float, scale: float) -> Float32Array:
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    centre = np.full(2, (len(grey) - 1) / 2)
    warped: Float32Array = ndimage.affine_transform(grey, matrix, centre - matrix @ centre, order=1, mode="reflect")
    return warped
