"""The images that a detector is localised on, and what their labels tell it."""

from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.training.local_images import label_local_images, select_local_images

CLASSES = ("melanoma", "basal cell carcinoma", "nevus", "dermatofibroma")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images") / "clinic"
    return md.load_dataset(md.write_samples(folder, train=14, test=1, size=32, seed=9, classes=CLASSES), validation=0.1)


def relabel(split, names):
    records = tuple(replace(record, label=names.get(record.label, record.label)) for record in split.records)
    return replace(split, records=records, classes=tuple(names.get(label, label) for label in split.classes))


def test_dataset_gives_its_train_and_validation_splits(detector, clinic):
    split = select_local_images(detector.predictor, clinic)
    assert {record.split for record in split} == {"train", "validation"}
    assert len(split) == len(clinic.train) + len(clinic.validation)


def test_balanced_copies_are_left_out(detector, clinic):
    balanced = md.balance(clinic, add=5)
    assert len(select_local_images(detector.predictor, balanced)) == len(
        select_local_images(detector.predictor, clinic)
    )


@pytest.mark.parametrize(
    ("label", "covered"),
    [
        ("mel", ["melanoma"]),
        ("benign", ["nevus", "dermatofibroma"]),
        ("malignant", ["melanoma", "basal cell carcinoma"]),
        ("wart", ["nevus", "dermatofibroma"]),
        ("Foo", list(CLASSES)),
        ("squamous cell carcinoma", ["basal cell carcinoma"]),
        ("vascular lesion", ["nevus", "dermatofibroma"]),
    ],
)
def test_labels_tell_what_they_can(clinic, label, covered):
    targets = label_local_images(relabel(clinic.test, {"nevus": label}), CLASSES).targets
    row = next(index for index, record in enumerate(clinic.test) if record.label == "nevus")
    assert [name for name, may_be in zip(CLASSES, targets[row], strict=True) if may_be] == covered


def test_labels_that_say_nothing_are_set_aside(detector, clinic):
    joined = replace(clinic.train, records=(*clinic.train.records, *clinic.validation.records))
    silent = relabel(joined, {"dermatofibroma": "unknown"})
    silent = replace(silent, label_groups={"unknown": ("melanoma", "nevus")})
    known = select_local_images(detector.predictor, silent)
    assert np.isin("unknown", [record.label for record in known])  # two of nine classes are something
    with (
        pytest.warns(DataWarning, match=r"say nothing .*: unknown \(14\)"),
        pytest.raises(DetectorError, match="42 of 56 images"),
    ):
        select_local_images(
            _knows(detector.predictor, ("melanoma", "nevus", "basal cell carcinoma")), silent_of_all(silent)
        )


def silent_of_all(split):
    return replace(split, label_groups={"unknown": ("melanoma", "nevus", "basal cell carcinoma")})


def _knows(predictor, classes):
    calibrations = {1: md.Detector(predictor.config, predictor.runtime).predictor.config.calibration(1)}
    return type(predictor)(replace(predictor.config, classes=classes, calibrations=calibrations), predictor.runtime)


def test_a_cancer_that_is_no_class_is_no_benign_lesion(clinic):
    split = relabel(clinic.test, {"dermatofibroma": "Merkel cell carcinoma"})
    images = label_local_images(split, ("melanoma", "nevus"))
    cancers = np.array([record.label in ("basal cell carcinoma", "Merkel cell carcinoma") for record in split])
    assert cancers.any()
    shown, known = images.sides("malignant")
    assert known.tolist() == (~cancers).tolist()
    assert images.sides("melanoma")[1].all()
    half = np.arange(len(split)) % 2 == 0
    assert images.select(half).sides("malignant")[1].tolist() == (~cancers)[half].tolist()
    assert shown[known].sum() == sum(record.label == "melanoma" for record in split)
    assert label_local_images(split, CLASSES).other_cancers is None  # they count as basal cell carcinoma


def test_labels_that_mean_the_same_are_named(detector, clinic):
    joined = replace(clinic.train, records=(*clinic.train.records, *clinic.validation.records))
    names = dict(zip(CLASSES, ("NV", "nevus", "nv", "nevus"), strict=True))
    same = replace(relabel(joined, names), classes=("NV", "nevus", "nv"))
    with pytest.raises(DetectorError, match=r"all 56 images are labelled \w+, \w+, \w+, which is the same"):
        select_local_images(detector.predictor, same)
