"""Duplicates that no hash finds, small turns and crops: a network proposes them, the images themselves decide."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from melanoma_detect.data.near_duplicates import Alike, fine_detail, grey_square
from melanoma_detect.data.record import Record
from melanoma_detect.images.pixel_cache import decode_all
from melanoma_detect.inference.predictor import Predictor

_NEIGHBOURS = 3
_AT_ONCE = 256
_SAME = 0.8
_TURNS = (-10, -7.5, -5, -2.5, 0, 2.5, 5, 7.5, 10)
_SCALES = (0.88, 0.94, 1.0, 1.06, 1.13)


def find_by_features(records: Sequence[Record], model: Predictor, known: Sequence[Alike]) -> list[Alike]:
    """Find images that are another one turned by up to 10 degrees, or cropped by up to an eighth.

    Each image's nearest neighbours in the model's feature space are laid over it in 45 turns and scales; where their fine
    detail then agrees, they are one lesion.

    Args:
        records: The images.
        model: A detector's predictor.
        known: Pairs that need no second look.

    Returns:
        New pairs; `bits` is -1, for no hash was asked.

    Examples:
        >>> find_by_features(data.test.records[:4], predictor, [])
        []
    """
    sure = {(pair.first, pair.second) for pair in known}
    proposed = {pair for pair in _nearest(_features(records, model)) if pair not in sure}
    return [
        Alike(first, second, -1, "lesion")
        for first, second in sorted(proposed)
        if agreement(records[first], records[second]) >= _SAME
    ]


def agreement(one: Record, other: Record) -> float:
    """Return how well the fine detail of two images agrees, at best over small turns, scales and shifts.

    Args:
        one: An image.
        other: Another.

    Returns:
        The correlation, about 0 for strangers and 1 for the same image.

    Examples:
        >>> agreement(data.records[0], data.records[0]) > 0.99
        True
    """
    grey, fixed = grey_square(one.path), fine_detail(grey_square(other.path))
    wave = np.conj(fft.rfft2(fixed))
    best = 0.0
    for turn, scale in product(_TURNS, _SCALES):
        detail = fine_detail(_warp(grey, turn, scale))
        best = max(best, float(fft.irfft2(fft.rfft2(detail) * wave, s=fixed.shape).max()))
    return best


def _features(records: Sequence[Record], model: Predictor) -> NDArray[np.float32]:
    parts = []
    for at in range(0, len(records), _AT_ONCE):
        images = [record.image for record in records[at : at + _AT_ONCE]]
        pixels = decode_all(images, model.image_size, model.config.resize)
        parts.append(model.runtime.run(pixels).features)
    return np.concatenate(parts).astype(np.float32) if parts else np.empty((0, 1), np.float32)


def _nearest(features: NDArray[np.float32]) -> set[tuple[int, int]]:
    """Return each image with its nearest neighbours, by cosine."""
    import faiss  # noqa: PLC0415 - only whoever looks for duplicates needs it

    if len(features) < 2:
        return set()
    centred = np.ascontiguousarray(features - features.mean(axis=0))
    faiss.normalize_L2(centred)
    size = centred.shape[1]
    index = (
        faiss.IndexFlatIP(size)
        if len(centred) <= 100_000
        else faiss.IndexHNSWFlat(size, 32, faiss.METRIC_INNER_PRODUCT)
    )
    index.add(centred)
    _, found = index.search(centred, _NEIGHBOURS + 1)
    return {
        (min(at, int(other)), max(at, int(other)))
        for at, others in enumerate(found)
        for other in others
        if other >= 0 and other != at
    }


def _warp(grey: NDArray[np.float32], degrees: float, scale: float) -> NDArray[np.float32]:
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    centre = np.full(2, (len(grey) - 1) / 2)
    warped: NDArray[np.float32] = ndimage.affine_transform(
        grey, matrix, centre - matrix @ centre, order=1, mode="reflect"
    )
    return warped
