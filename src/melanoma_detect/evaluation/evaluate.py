"""Evaluate a detector on images that it was not trained on."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.labels import MergedClasses, merge_classes, translate_labels
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.evaluation.evaluation import Evaluation, measure
from melanoma_detect.evaluation.measured_points import operating_points_of
from melanoma_detect.evaluation.shortcuts import measure_shortcuts
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.user_warning import warn_user


def evaluate(
    predictor: Predictor,
    data: Dataset | Split,
    *,
    seen: Literal["set aside", "keep"] = "set aside",
    shortcuts: bool = False,
    seed: int = 123,
) -> Evaluation:
    """Evaluate a detector on a split; see `Detector.evaluate`.

    Args:
        predictor: The detector.
        data: A split, or a dataset: then its test split.
        seen: What to do with images that the detector was trained on: set them aside, or keep them.
        shortcuts: Also test for shortcuts.
        seed: Seed of the bootstrap.

    Returns:
        The evaluation.

    Raises:
        DetectorError: No image is left, or the classes are not the detector's.

    Examples:
        >>> len(evaluate(predictor, data)) == len(data.test)
        True
    """
    split = translate_labels(_check_split(data, seen), predictor.classes)
    # For the target "malignant", classes stay apart: an alert to any malignant diagnosis adds up the probability of each.
    merged = merge_classes(split if predictor.settings.target == "melanoma" else replace(split, label_groups={}))
    split = _drop_ambiguous(split, merged)
    held_out = split if seen == "keep" else _drop_seen(predictor, split)
    if not len(held_out):
        raise DetectorError(
            f"no image of the {split.name} split is left ({len(split)} there, all of them seen in training); evaluate on "
            "images of other lesions, or with seen='keep' for the metrics of training itself"
        )
    held_out = replace(held_out, resize=predictor.config.resize)
    labels, pixels = merged.label_indices(held_out), held_out.pixels(predictor.image_size)
    batch = predictor.predict_batch(pixels)
    evaluation = measure(
        merged.probabilities(batch.probabilities),
        labels,
        held_out.groups,
        merged.classes,
        predictor.operating_point,
        abstained=batch.abstained,
        records=held_out.records,
        seed=seed,
    )
    tested = None
    if shortcuts:
        tested = measure_shortcuts(predictor, pixels, _detector_labels(merged, labels), held_out.groups, seed=seed)
    return replace(
        evaluation,
        split=split.name,
        set_aside=len(split) - len(held_out),
        points=operating_points_of(predictor),
        shortcuts=tested,
        detector=f"Detector {predictor.description}",
    )


def _check_split(data: Dataset | Split, seen: str) -> Split:
    """Return the split to evaluate on; raise DetectorError for a wrong argument."""
    if seen not in ("set aside", "keep"):
        raise DetectorError(f"seen={seen!r}; expected 'set aside' or 'keep'")
    split = data.test if isinstance(data, Dataset) else data
    if not isinstance(split, Split):
        raise DetectorError(f"the data is a {type(data).__name__}; expected a Dataset or one of its splits: data.test")
    return split


def _drop_seen(predictor: Predictor, split: Split) -> Split:
    """Set aside images that the detector was trained or calibrated on, with a warning."""
    known = predictor.files.fingerprint().contains(split.records)
    records = tuple(record for record, seen in zip(split.records, known, strict=True) if not seen)
    if len(records) < len(split):
        warn_user(
            f"{len(split) - len(records)} of {len(split)} images of the {split.name} split are set aside: the detector has "
            "seen them, or their lesions, in training, and metrics on them would be too good (seen='keep' keeps them)",
            DataWarning,
        )
    return replace(split, records=records)


def _drop_ambiguous(split: Split, merged: MergedClasses) -> Split:
    """Leave out images whose label covers several classes, with a warning: no single prediction is right for them."""
    records = tuple(record for record in split.records if record.label in merged.labels)
    if len(records) < len(split):
        warn_user(
            f"{len(split) - len(records)} of {len(split)} images of the {split.name} split have a coarse label "
            f"({', '.join(label for label in split.label_groups if label not in merged.labels)}) and are not measured",
            DataWarning,
        )
    return replace(split, records=records)


def _detector_labels(merged: MergedClasses, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels as positions in the detector's classes; of merged classes the first, since any will do."""
    return np.array([int(np.flatnonzero(merged.columns == at)[0]) for at in range(len(merged.classes))])[labels]
