"""A detector's answers to images that it has not seen, measured."""

import warnings
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset, Split
from melanoma_detect.data.joining import Joined, joined
from melanoma_detect.data.translating import translated
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.evaluation.evaluation import Evaluation, measure
from melanoma_detect.evaluation.measured_points import points_of
from melanoma_detect.evaluation.shortcuts import shortcuts as find_shortcuts
from melanoma_detect.inference.predictor import Predictor


def evaluate(
    predictor: Predictor,
    data: Dataset | Split,
    *,
    seen: Literal["set aside", "keep"] = "set aside",
    shortcuts: bool = False,
    seed: int = 123,
) -> Evaluation:
    """Measure a detector; see `Detector.evaluate`.

    Args:
        predictor: The detector.
        data: A split, or a dataset: then its test split.
        seen: What to do with images that the detector was trained on.
        shortcuts: Ask it about the images without their lesions too.
        seed: Where the bootstrap's draws come from.

    Returns:
        The figures.

    Raises:
        DetectorError: No image is left, or the classes are not the detector's.

    Examples:
        >>> len(evaluate(predictor, data)) == len(data.test)
        True
    """
    if seen not in ("set aside", "keep"):
        raise DetectorError(f"seen={seen!r}; expected 'set aside' or 'keep'")
    part = data.test if isinstance(data, Dataset) else data
    if not isinstance(part, Split):
        raise DetectorError(f"the data is a {type(data).__name__}; expected a Dataset or one of its splits: data.test")
    part = translated(part, predictor.classes)
    # An alert to any malignant diagnosis needs each of them by itself.
    one = joined(part if predictor.settings.target == "melanoma" else replace(part, coarse={}))
    part = _clearly_labelled(part, one)
    fresh = part if seen == "keep" else _unseen(predictor, part)
    if not len(fresh):
        raise DetectorError(
            f"no image of the {part.name} split is left ({len(part)} there, all of them seen in training); evaluate on "
            "images of other lesions, or with seen='keep' to look at the figures of training itself"
        )
    fresh, labels = replace(fresh, resize=predictor.config.resize), one.truth(fresh)
    pixels = fresh.pixels(predictor.image_size)
    judged = predictor.predict_batch(pixels)
    return replace(
        measure(
            one.probabilities(judged.probabilities),
            labels,
            fresh.groups,
            one.classes,
            predictor.operating_point,
            abstained=judged.abstained,
            seed=seed,
        ),
        split=part.name,
        set_aside=len(part) - len(fresh),
        ids=tuple(record.id for record in fresh),
        records=fresh.records,
        points=points_of(predictor),
        shortcuts=find_shortcuts(predictor, pixels, _own(one, labels), fresh.groups, seed=seed) if shortcuts else None,
        detector=f"Detector {predictor.description}",
    )


def _unseen(predictor: Predictor, part: Split) -> Split:
    known = predictor.files.seen().holds(part.records)
    kept = tuple(record for record, seen in zip(part.records, known, strict=True) if not seen)
    if len(kept) < len(part):
        warnings.warn(
            f"{len(part) - len(kept)} of {len(part)} images of the {part.name} split are set aside: the detector has seen "
            "them, or their lesions, in training, and figures on them would be too good (seen='keep' keeps them)",
            DataWarning,
            stacklevel=4,
        )
    return replace(part, records=kept)


def _own(one: Joined, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels among the detector's own classes: any of those that are one will do."""
    return np.array([int(np.flatnonzero(one.columns == at)[0]) for at in range(len(one.classes))])[labels]


def _clearly_labelled(part: Split, one: Joined) -> Split:
    """Leave out images whose label covers several classes: of them nobody can say which answer is right."""
    kept = tuple(record for record in part.records if record.label in one.labels)
    if len(kept) < len(part):
        warnings.warn(
            f"{len(part) - len(kept)} of {len(part)} images of the {part.name} split have a coarse label "
            f"({', '.join(label for label in part.coarse if label not in one.labels)}) and are not measured",
            DataWarning,
            stacklevel=4,
        )
    return replace(part, records=kept)
