"""The similar cases of a page: what it searches, and by what it recognises the image itself. No name is among it."""

import base64
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.images.perceptual_hash import THUMBNAIL, Codes, fingerprints
from melanoma_detect.images.reader import Pixels, read_pixels
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.page.parameters import encode_float32
from melanoma_detect.similar.cases import CAVEAT
from melanoma_detect.similar.index import SimilarIndex
from melanoma_detect.similar.make import Cases, find_index

MAX_CASES = 20_000  # images: 20 MB of a page
COUNT = 8  # cases that are shown
_SIDE = 96  # pixels of a thumbnail
_QUALITY = 75  # of JPEG


def similar_parameters(predictor: Predictor, cases: Cases, *, thumbnails: bool = False) -> dict[str, Any]:
    """Return what a page needs to show similar cases.

    A page holds features, perceptual hashes, labels and sources of the cases, and groups as numbers; neither names nor paths.

    Args:
        predictor: The detector of the page.
        cases: A dataset, a split, an index or the file of one; the images must be there to be read.
        thumbnails: Also hold a small picture of each case. Whoever has the page then has the pictures.

    Returns:
        Plain values. Arrays are base64 text, row by row: float32 little-endian, and bytes.

    Raises:
        DetectorError: Another detector made the index, or it has over 20,000 images.
        ImageError: The image of a case cannot be read.

    Examples:
        >>> sorted(similar_parameters(predictor, data.test))[:4]
        ['caveat', 'codes', 'count', 'directions']
    """
    index = find_index(cases, predictor)
    if len(index) > MAX_CASES:
        raise DetectorError(f"similar: {len(index):,} images are too many for a page; expected at most {MAX_CASES:,}")
    read = _read_all(index, predictor)
    vectors, total = index.vectors, sum(index.diagnoses.values())
    groups = {group: number for number, group in enumerate(index.rows_by_group)}
    return {
        "count": COUNT,
        "images": len(index),
        "shares": {label: count / total for label, count in index.diagnoses.most_common()},
        "labels": [record.label for record in index.records],
        "sources": [Path(record.source).name for record in index.records],
        "groups": [groups[record.group] for record in index.records],
        "width": int(vectors.values.shape[1]),
        "vectors": encode_float32(vectors.values),
        "directions": None if vectors.directions is None else encode_float32(vectors.directions),
        "codes": base64.b64encode(canonical_codes(read).tobytes()).decode(),
        "thumbnails": [_thumbnail(pixels) for pixels in read] if thumbnails else None,
        "caveat": CAVEAT,
    }


def canonical_codes(images: Sequence[Pixels]) -> Codes:
    """Return the perceptual hash of each image as the model sees it, by which a page recognises it.

    Args:
        images: uint8 `(height, width, 3)` each.

    Returns:
        uint8 `(n, 32)`; zeros for an image of one even colour, which is recognised by none.

    Examples:
        >>> canonical_codes([draw_lesion("nevus", seed=1).pixels]).shape
        (1, 32)
    """
    small = np.stack([area_means(pixels) for pixels in images]).astype(np.float32)
    found = fingerprints(np.repeat(small[:, None], 2, axis=1))
    return np.stack([np.zeros(32, np.uint8) if one is None else one.code for one in found])


def area_means(pixels: Pixels) -> NDArray[np.float64]:
    """Return the mean grey level of an image in each of 32 by 32 areas.

    Args:
        pixels: uint8 `(height, width, 3)`.

    Returns:
        `(32, 32)`: areas begin and end at whole pixels, and have one at least.

    Examples:
        >>> area_means(np.full((64, 64, 3), 100, np.uint8))[0, 0].round(6)
        np.float64(100.0)
    """
    grey = pixels.astype(np.float64) @ [0.299, 0.587, 0.114]
    rows, columns = (np.arange(THUMBNAIL) * side // THUMBNAIL for side in grey.shape)
    # Where areas begin at the same pixel, each but the last is this pixel.
    sums = np.add.reduceat(np.add.reduceat(grey, rows, axis=0), columns, axis=1)
    heights, widths = (
        np.maximum(np.diff(starts, append=side), 1) for starts, side in zip((rows, columns), grey.shape, strict=True)
    )
    return np.asarray(sums / np.outer(heights, widths))


def _read_all(index: SimilarIndex, predictor: Predictor) -> list[Pixels]:
    def read(image: Any) -> Pixels:
        return read_pixels(image, predictor.image_size, predictor.config.resize)

    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(read, [record.image for record in index.records]))
    except ImageError as error:
        raise ImageError(f"similar: {error}; a page is made where the images of the cases are") from error


def _thumbnail(pixels: Pixels) -> str:
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    image.resize((_SIDE, max(1, round(_SIDE * image.height / image.width)))).save(file, "JPEG", quality=_QUALITY)
    return base64.b64encode(file.getvalue()).decode()
