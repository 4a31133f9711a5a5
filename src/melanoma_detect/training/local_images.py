"""The images that a detector is localised on: those that it has not seen, with labels that tell it something."""

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.labels import covered_classes
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.evaluation.truth import label_truth
from melanoma_detect.inference.local_calibration import kinds_of_classes
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.training.local_fit import LocalImages
from melanoma_detect.utils.counts import count_noun, is_or_are
from melanoma_detect.utils.user_warning import warn_user

MIN_IMAGES = 50  # with fewer, the prior decides nearly everything, and the figures mean nothing


def select_local_images(predictor: Predictor, data: Dataset | Split) -> Split:
    """Select the images that a detector can be localised on.

    Args:
        predictor: The detector.
        data: A split, or a dataset: then its training and validation splits, without copies that `balance` made.

    Returns:
        Images that it was not trained on, with labels that say something about its classes.

    Raises:
        DetectorError: They are fewer than 50, all labels say the same, or none is of the detector's classes.

    Warns:
        DataWarning: Images are set aside.

    Examples:
        >>> clinic = md.load_dataset(md.write_samples("clinic", train=10, size=64, seed=9), validation=0)
        >>> len(select_local_images(predictor, clinic)) == len(clinic.train)
        True
    """
    split = _join_splits(data)
    if not len(split) and isinstance(data, Dataset) and len(data.test):
        raise DetectorError(
            f"all {len(data.test)} images are in the test split, which stays unused so that the localised detector can be "
            "evaluated on it; load the images without a test split (load_dataset(..., test=0)), or give this split itself"
        )
    _check_labels(split, predictor.classes)
    told = {label: _target(label, split, predictor.classes) for label in (*split.classes, *split.label_groups)}
    silent = [record.label for record in split if told[record.label].all()]
    seen = predictor.files.fingerprint().contains(split.records)
    _warn_set_aside(len(split), int(seen.sum()), silent)
    records = tuple(
        record for record, known in zip(split, seen, strict=True) if not known and not told[record.label].all()
    )
    if len(records) < MIN_IMAGES:
        set_aside = f" after {count_noun(int(seen.sum()), 'image')} that it was trained on" if seen.any() else ""
        raise DetectorError(
            f"{len(records)} of {count_noun(len(split), 'image')} {is_or_are(len(records))} left that the detector can be "
            f"calibrated on{set_aside}; expected at least {MIN_IMAGES} of the clinic's own, with their diagnoses: load more "
            "images of your own (most published sets are in the default detector's training, and cannot stand for a clinic)"
        )
    if len({told[record.label].tobytes() for record in records}) < 2:
        labels = ", ".join(dict.fromkeys(record.label for record in records))
        raise DetectorError(
            f"all {len(records)} images are labelled {labels}, which is the same to the detector; expected the mixture of "
            "diagnoses that the clinic sees: load images of other diagnoses too"
        )
    return replace(split, records=records, resize=predictor.config.resize)


def label_local_images(split: Split, classes: tuple[str, ...]) -> LocalImages:
    """Return the labels of local images in a detector's classes.

    Args:
        split: The images.
        classes: The detector's classes.

    Returns:
        The classes that each label may mean. A diagnosis that is no class counts as any class of its kind: a wart is benign,
        and no melanoma.

    Examples:
        >>> label_local_images(data.test, data.classes).targets.sum(axis=1).tolist() == [1] * len(data.test)
        True
    """
    told = {label: _target(label, split, classes) for label in {record.label for record in split}}
    cancers = {label for label in told if _is_other_cancer(label, split, classes)}
    return LocalImages(
        np.array([told[record.label] for record in split]),
        np.array(split.groups),
        classes,
        np.array([record.label in cancers for record in split]) if cancers else None,
    )


def _join_splits(data: Dataset | Split) -> Split:
    if isinstance(data, Dataset):
        originals = [record for record in (*data.train, *data.validation) if record.parent is None]
        return replace(data.train, records=tuple(originals))
    if not isinstance(data, Split):
        raise DetectorError(f"the data is a {type(data).__name__}; expected a Dataset or one of its splits")
    return replace(data, records=tuple(record for record in data if record.parent is None))


def _check_labels(split: Split, classes: tuple[str, ...]) -> None:
    used = dict.fromkeys(record.label for record in split)
    if used and not any(covered_classes(label, split, classes) for label in used):
        raise DetectorError(
            f"the detector does not know the classes {', '.join(used)}; it knows {', '.join(classes)}. Use images with these "
            "labels, or label_map={'label': 'class'} in load_dataset"
        )


def _target(label: str, split: Split, classes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return the classes that a label may mean, `(classes,)`; all of them for one that says nothing."""
    covered = np.isin(classes, covered_classes(label, split, classes))
    if covered.any():
        return covered
    truth, (melanoma, malignant, rest) = (
        label_truth(label, split.label_groups.get(label, ())),
        kinds_of_classes(classes),
    )
    if truth.melanoma is not False:
        return np.ones(len(classes), dtype=np.bool_)
    kind = {"malignant": malignant, "benign": rest}.get(truth.malignancy or "", ~melanoma)
    return kind if kind.any() else ~melanoma


def _is_other_cancer(label: str, split: Split, classes: tuple[str, ...]) -> bool:
    """Return whether a label names a malignant diagnosis, but no class, and no class is malignant but melanoma."""
    if covered_classes(label, split, classes) or kinds_of_classes(classes)[1].any():
        return False
    return label_truth(label, split.label_groups.get(label, ())).malignancy == "malignant"


def _warn_set_aside(images: int, seen: int, silent: list[str]) -> None:
    if seen:
        warn_user(
            f"{seen} of {count_noun(images, 'image')} {is_or_are(seen)} set aside: the detector has seen them, or "
            "their lesions, in training, and would look better calibrated on them than it is",
            DataWarning,
        )
    if silent:
        counts = ", ".join(f"{label} ({count})" for label, count in Counter(silent).most_common())
        warn_user(f"images are set aside whose labels say nothing about the detector's classes: {counts}", DataWarning)
