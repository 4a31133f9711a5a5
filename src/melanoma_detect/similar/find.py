"""Find the cases that are similar to an image: nearest in the feature space, and never of the same lesion or patient."""

from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.errors import DatasetError, ImageError
from melanoma_detect.images.reader import ImageLike
from melanoma_detect.inference.prediction_image import remember
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.similar.cases import SimilarCase, SimilarCases
from melanoma_detect.similar.index import SimilarIndex
from melanoma_detect.similar.make import Cases, find_index
from melanoma_detect.similar.nearest import in_order
from melanoma_detect.similar.same_lesion import ImageTraces, read_traces, show_same_lesion
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.number_arguments import whole_number

_COMPARED = 200  # candidates whose fine detail is compared: images of one lesion from one view are no farther
_FIRST = 1024  # candidates that are sorted before all are


def find_similar(
    predictor: Predictor,
    image: ImageLike | Record,
    cases: Cases,
    *,
    k: int = 8,
    exclude: Iterable[str] = (),
    progress: bool = True,
) -> SimilarCases:
    """Find the cases nearest to an image; see `Detector.similar`.

    Args:
        predictor: The detector.
        image: One image, as `Detector.predict` takes it, or a record of a dataset.
        cases: A dataset, a split, an index, or the file of one.
        k: How many cases, 1 or more.
        exclude: Ids or groups that are left out too.
        progress: Draw a progress bar where it takes more than two seconds.

    Returns:
        The cases.

    Raises:
        ImageError: The image cannot be read, or the model gives no numbers for it.
        DatasetError: There is no image to compare with, or `k` or `exclude` is none.
        DetectorError: Another detector made the index.

    Examples:
        >>> len(find_similar(predictor, draw_lesion("nevus", seed=1).pixels, data, k=4))
        4
    """
    k = whole_number(k, "k", DatasetError, low=1)
    names = _names(exclude)
    read: Any = image
    if hasattr(image, "read") and not isinstance(image, Record):
        read = image.read()  # the model, and what recognises copies, both read it
    traces = read_traces(read)
    index = find_index(cases, predictor, progress=progress)
    shown = read.image if isinstance(read, Record) else read
    seen = predictor.preprocess(shown)
    batch = predictor.predict_batch(seen.pixels[None], np.array([min(seen.height, seen.width)]))
    features = batch.features[0] if batch.features is not None else np.full(1, np.nan, np.float32)
    if not np.isfinite(features).all():
        raise ImageError(f"{traces.source}: the model gives no numbers for this image, so that nothing is near it")
    own = index.rows_of(traces)
    own = sorted({*own, *index.rows_named(names)})
    distances = index.vectors.distances(features)
    chosen, own = _choose(index, distances, own, traces, k)
    lesions = sum(index.diagnoses.values())
    found = SimilarCases(
        source=traces.source,
        cases=tuple(SimilarCase(index.records[row], float(distances[row])) for row in chosen),
        asked=k,
        images=len(index),
        left_out=len(own),
        shares={label: count / lesions for label, count in index.diagnoses.most_common()},
        reason=batch.reason(0, predictor.classes) if batch.abstained[0] else "",
    )
    remember(found, shown, seen, squashed=predictor.config.resize == "squash")
    return found


def _names(exclude: Any) -> list[str]:
    if isinstance(exclude, str):
        return [exclude]
    if isinstance(exclude, bytes) or not isinstance(exclude, Iterable):
        raise DatasetError(f"exclude={exclude!r:.80}; expected ids of images, lesions or patients, as texts, or ()")
    return list(exclude)


def _choose(
    index: SimilarIndex, distances: Float64Array, own: list[int], traces: ImageTraces, k: int
) -> tuple[list[int], list[int]]:
    """Return the nearest images, one of each group, and those that were left out.

    What neither bytes nor hash tell, the fine detail of the candidates does: it shows whether one is another photograph of the
    same lesion. All images of its group are then left out. The photograph that shows it need not be the nearest of its group.
    """
    left_out, used, chosen = set(own), set[str](), list[int]()
    candidates = iter(_candidates(distances, left_out))
    near = list(islice(candidates, _COMPARED))
    places = {row: place for place, row in enumerate(near)}
    for row in chain(near, candidates):
        group = index.records[row].group
        if row in left_out or group in used:
            continue
        compared = sorted((other for other in index.rows_by_group[group] if other in places), key=places.__getitem__)
        if any(show_same_lesion(traces, index.records[other].image) for other in compared):
            left_out.update(index.rows_by_group[group])
            continue
        used.add(group)
        chosen.append(row)
        if len(chosen) == k:
            break
    return chosen, sorted(left_out)


def _candidates(distances: Float64Array, left_out: set[int]) -> Iterable[int]:
    """Yield positions, the nearest first; only as many are sorted as are looked at."""
    masked = distances.copy()
    masked[list(left_out)] = np.inf
    first: NDArray[np.int64] = np.empty(0, np.int64)
    if len(masked) > _FIRST:
        first = np.sort(np.argpartition(masked, _FIRST - 1)[:_FIRST])
        first = first[in_order(masked[first])]
        yield from first.tolist()
    seen = set(first.tolist())
    yield from (row for row in in_order(masked).tolist() if row not in seen)
