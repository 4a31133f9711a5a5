"""Is another image the same, or of the same lesion? By its bytes, its perceptual hash, its ISIC id, and its fine detail."""

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from melanoma_detect.data.record import Record
from melanoma_detect.data.scan import digest
from melanoma_detect.errors import ImageError
from melanoma_detect.images.fine_detail import DETAIL_SIDE, MIN_CORRELATION, correlate, fine_detail, grey_levels
from melanoma_detect.images.frame_names import file_of
from melanoma_detect.images.perceptual_hash import Codes, fingerprint
from melanoma_detect.images.reader import ImageLike, load_rgb, min_decode_size, source_name
from melanoma_detect.inference.preprocessing import check_image_path
from melanoma_detect.utils.arrays import Float32Array


class ImageTraces(NamedTuple):
    """By what an image is recognised.

    Attributes:
        source: Its path or name.
        digest: SHA-256 of its file; empty where there is none.
        path: The absolute path of its file; empty where there is none.
        codes: The perceptual hashes to look up, uint8 `(m, 32)`; none for an image of one even colour.
        detail: float32 `(128, 128)`: its fine detail.
        record: The dataset's record, if it is one.
    """

    source: str
    digest: str
    path: str
    codes: Codes
    detail: Float32Array
    record: Record | None = None


def read_traces(image: ImageLike | Record) -> ImageTraces:
    """Read what an image is recognised by.

    Args:
        image: One image, as `Detector.predict` takes it, or a record of a dataset. An open file is read to its end.

    Returns:
        Its traces.

    Raises:
        ImageError: The image cannot be read.

    Examples:
        >>> traces = read_traces(data.records[0])
        >>> traces.digest == data.records[0].digest
        True
    """
    record = image if isinstance(image, Record) else None
    shown: Any = image.image if isinstance(image, Record) else image
    check_image_path(shown)
    loaded = _load(shown)
    found = fingerprint(loaded)
    is_file = isinstance(shown, (str, os.PathLike))
    return ImageTraces(
        source=record.id if record else source_name(shown),
        digest=record.digest if record and record.digest else _digest(shown),
        path=os.path.abspath(file_of(shown)) if is_file else "",  # noqa: PTH100 - a path may be a StretchedImage
        codes=np.empty((0, 32), np.uint8) if found is None else np.concatenate([found.queries, found.orientations]),
        detail=fine_detail(grey_levels(loaded)),
        record=record,
    )


def show_same_lesion(traces: ImageTraces, other: ImageLike) -> bool:
    """Return whether the fine detail of two images agrees, over shifts and turns by right angles: then they show one lesion.

    Args:
        traces: Of the one.
        other: The other.

    Returns:
        Whether they correlate by 0.8 and more; False where the other cannot be read.

    Examples:
        >>> show_same_lesion(read_traces(data.records[0]), data.records[0].path)
        True
    """
    try:
        loaded = _load(other)
    except ImageError:
        return False
    return correlate(traces.detail, fine_detail(grey_levels(loaded))) >= MIN_CORRELATION


def _digest(image: Any) -> str:
    """Return the SHA-256 of an image's file, or of the bytes that were given; empty for pixels."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        return hashlib.sha256(image).hexdigest()
    if not isinstance(image, (str, os.PathLike)):
        return ""
    try:
        return digest(Path(file_of(image)))
    except ImageError:
        return ""


def _load(image: ImageLike) -> Image.Image:
    return load_rgb(image, min_decode_size((2 * DETAIL_SIDE, 2 * DETAIL_SIDE), "squash"))
