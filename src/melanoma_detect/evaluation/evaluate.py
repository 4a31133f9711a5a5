"""Evaluate a detector on images that it was not trained on."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.labels import MergedClasses, covered_classes, merge_classes, translate_labels
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.evaluation.answers import NO_CLASS, Answers
from melanoma_detect.evaluation.evaluation import Evaluation, measure
from melanoma_detect.evaluation.image_types import image_types_of
from melanoma_detect.evaluation.known_sets import known_set_notes, known_sets
from melanoma_detect.evaluation.measured_points import operating_points_of
from melanoma_detect.evaluation.notes import seen_notes
from melanoma_detect.evaluation.shortcuts import Shortcuts, measure_shortcuts
from melanoma_detect.evaluation.truth import LabelTruth, label_truth
from melanoma_detect.images.reader import Pixels, read_size
from melanoma_detect.inference.operating_points import PLURALS, Target
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.probability_arrays import check_probabilities
from melanoma_detect.utils.progress import describe_stage
from melanoma_detect.utils.random import check_seed
from melanoma_detect.utils.user_warning import warn_user

_MAX_SOURCES = 3  # that a heading names
_WITHOUT_NUMBERS = "the detector refers such images; evaluate without them, or train another model"

Seen: TypeAlias = Literal["set aside", "keep"]


def evaluate(
    predictor: Predictor,
    data: Dataset | Split,
    *,
    seen: Seen = "set aside",
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
        DetectorError: No image is left, no label says anything that the detector's answers can be compared with, or the model
            gives no probabilities for an image; the message names it.

    Examples:
        >>> len(evaluate(predictor, data)) == len(data.test)
        True
    """
    seed = check_seed(seed, DetectorError)
    split = check_split(data, seen)
    fingerprint = predictor.files.fingerprint()
    known = fingerprint.contains(split.records)
    lost = 0 if seen == "keep" else _count_lost(split, known, predictor)
    held_out = split if seen == "keep" else _drop_seen(split, known, lost, predictor.settings.target)
    if not len(held_out):
        raise DetectorError(
            f"no image of the {split.name} split is left ({len(split)} there, all of them seen in training); evaluate on "
            "images of other lesions, or with seen='keep' for the metrics of training itself"
        )
    held_out = replace(held_out, resize=predictor.config.resize)
    names = tuple(record.label for record in held_out)
    truths = _truths(held_out, predictor.classes)
    merged, labels = _class_labels(held_out, predictor.classes)
    _check_measurable(labels, truths, predictor.classes)
    pixels = held_out.pixels(predictor.image_size)
    batch = predictor.predict_batch(pixels, shorter_sides(held_out, predictor))
    # No figure of the ranking or of the calibration is defined for an image without numbers.
    names_of_files = [str(record.path) for record in held_out]
    check_probabilities(batch.probabilities, predictor.classes, names=names_of_files, advice=_WITHOUT_NUMBERS)
    points = operating_points_of(predictor)
    describe_stage("computing confidence intervals")
    evaluation = measure(
        merged.probabilities(batch.probabilities),
        labels,
        held_out.groups,
        merged.classes,
        next((point for point in points if point.goal == predictor.settings.sensitivity), None),
        abstained=batch.abstained,
        records=held_out.records,
        target=predictor.settings.target,
        label_names=names,
        truths=truths,
        unmerged=(batch.probabilities, predictor.classes),
        image_types=image_types_of(predictor, batch),
        malignant_before=batch.malignant_before,
        seed=seed,
    )
    seen_in_training = int(np.sum(known)) if seen == "keep" else 0
    return replace(
        evaluation,
        split=split.name,
        dataset=source_names(held_out),
        seen_in_training=seen_in_training,
        notes=(
            *seen_notes(seen_in_training, len(held_out), lost, predictor.settings.target),
            *known_set_notes(known_sets(held_out), predictor.config.notes, has_fingerprint=bool(fingerprint)),
            *evaluation.notes,
        ),
        set_aside=len(split) - len(held_out),
        points=points,
        shortcuts=_measure_shortcuts(predictor, pixels, evaluation.per_image, seed) if shortcuts else None,
        detector=f"Detector {predictor.description}",
    )


def check_split(data: Dataset | Split, seen: str, title: str = "the data") -> Split:
    """Return the split to evaluate on.

    Args:
        data: A split, or a dataset: then its test split.
        seen: See `evaluate`.
        title: What an error calls the data.

    Returns:
        The split.

    Raises:
        DetectorError: An argument is wrong.

    Examples:
        >>> check_split(data, "keep") == data.test
        True
    """
    if seen not in ("set aside", "keep"):
        raise DetectorError(f"seen={seen!r}; expected 'set aside' or 'keep'")
    split = data.test if isinstance(data, Dataset) else data
    if not isinstance(split, Split):
        raise DetectorError(
            f"{title} is a {type(data).__name__}; expected a Dataset or one of its splits (data.test), or several of them: "
            "a list, or by name"
        )
    return split


def source_names(split: Split) -> str:
    """Return the names of the sources that images come from.

    Args:
        split: The images.

    Returns:
        The first three, joined with "+", and the number of others; empty where none is recorded.

    Examples:
        >>> source_names(data.test)
        'isic9'
    """
    names = sorted({record.source for record in split if record.source})
    more = [f"{len(names) - _MAX_SOURCES} more"] if len(names) > _MAX_SOURCES else []
    return " + ".join((*names[:_MAX_SOURCES], *more))


def _truths(split: Split, classes: tuple[str, ...]) -> dict[str, LabelTruth]:
    """Return what each label says about melanoma and malignancy."""
    labels = {record.label for record in split}
    return {label: label_truth(label, split.label_groups.get(label, ()), classes=classes) for label in labels}


def _count_lost(split: Split, known: NDArray[np.bool_], predictor: Predictor) -> int:
    """Return the number of images of the target if all were seen in training; 0 where some are left, or there were none."""
    truths = _truths(split, predictor.classes).items()
    is_melanoma = predictor.settings.target == "melanoma"
    targets = {label for label, truth in truths if (truth.melanoma if is_melanoma else truth.malignancy == "malignant")}
    shown = np.array([record.label in targets for record in split], dtype=np.bool_)
    return 0 if (shown & ~np.asarray(known)).any() else int(shown.sum())


def _drop_seen(split: Split, known: NDArray[np.bool_], lost: int, target: Target) -> Split:
    """Set aside images that the detector was trained or calibrated on, with a warning."""
    all_lost = (
        f"; all {lost} images of {PLURALS[target]} are among them: sensitivity cannot be measured" if lost else ""
    )
    records = tuple(record for record, seen in zip(split.records, known, strict=True) if not seen)
    if len(records) < len(split):
        warn_user(
            f"{len(split) - len(records)} of {len(split)} images of the {split.name} split are set aside: the detector has "
            "seen them, or their lesions, in training, and metrics on them would be too good (seen='keep' keeps them)"
            f"{all_lost}",
            DataWarning,
        )
    return replace(split, records=records)


def _class_labels(split: Split, classes: tuple[str, ...]) -> tuple[MergedClasses, NDArray[np.int64]]:
    """Return a detector's classes, merged where the labels do not separate them, and the class of each image, or -1."""
    known = {label for label in (*split.classes, *split.label_groups) if covered_classes(label, split, classes)}
    translated = translate_labels(
        replace(
            split,
            records=tuple(record for record in split if record.label in known),
            classes=tuple(label for label in split.classes if label in known),
            label_groups={label: names for label, names in split.label_groups.items() if label in known},
        ),
        classes,
    )
    merged = merge_classes(translated)
    in_classes = iter(translated.records)
    labels = [
        merged.labels.get(next(in_classes).label, NO_CLASS) if record.label in known else NO_CLASS for record in split
    ]
    return merged, np.array(labels, dtype=np.int64)


def _check_measurable(labels: NDArray[np.int64], truths: Mapping[str, LabelTruth], classes: tuple[str, ...]) -> None:
    """Raise DetectorError if the labels say nothing that a detector's answers can be compared with."""
    melanoma = any(truth.melanoma for truth in truths.values())
    malignancies = {truth.malignancy for truth in truths.values()}
    if not (melanoma or (labels != NO_CLASS).any() or malignancies >= {"malignant", "benign"}):
        raise DetectorError(
            f"the detector does not know the classes {', '.join(sorted(truths))}; it knows {', '.join(classes)}. Evaluate on "
            "images with one of these labels, or with label_map={'label': 'class'} in load_dataset"
        )


def shorter_sides(split: Split, predictor: Predictor) -> NDArray[np.int64] | None:
    """Return the shorter side of each file, by its header: a detector abstains from images that are too small.

    Args:
        split: The images.
        predictor: The detector.

    Returns:
        Pixels, `(n,)`; None where the detector accepts any size.

    Examples:
        >>> shorter_sides(data.test, predictor).shape == (len(data.test),)
        True
    """
    if not predictor.config.input_limits.side:
        return None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array([min(size) for size in pool.map(read_size, split.paths)], dtype=np.int64)


def _measure_shortcuts(predictor: Predictor, pixels: Pixels, answers: Answers, seed: int) -> Shortcuts:
    """Test for shortcuts on the images whose label tells whether they show a melanoma."""
    melanoma = replace(answers, target="melanoma")
    known = melanoma.is_positive | melanoma.is_negative
    positions = taxonomy.positions(predictor.classes, code=taxonomy.MELANOMA)
    others = [position for position in range(len(predictor.classes)) if position not in positions]
    # Of the classes that are not melanoma any one will do.
    labels = np.where(melanoma.is_positive[known], [*positions, *others][0], [*others, *positions][0])
    return measure_shortcuts(predictor, pixels[known], labels, melanoma.select(known).groups, seed=seed)
