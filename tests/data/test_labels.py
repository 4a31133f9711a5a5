"""Labels of other collections in a detector's classes."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.data.labels import translate_labels
from melanoma_detect.errors import DataWarning, DetectorError

CLASSES = ("actinic keratosis", "melanoma", "nevus", "pigmented benign keratosis", "squamous cell carcinoma")
CODES = {
    "actinic keratosis": "akiec",
    "squamous cell carcinoma": "akiec",
    "melanoma": "mel",
    "nevus": "nv",
    "pigmented benign keratosis": "bkl",
}


@pytest.fixture
def as_ham10000(data):
    """Some of the test images as HAM10000 would label them."""
    kept = tuple(replace(record, label=CODES[record.label]) for record in data.test if record.label in CODES)
    return replace(data.test, records=kept, classes=("akiec", "bkl", "mel", "nv"))


def test_codes_are_the_classes_that_they_mean(as_ham10000):
    found = translate_labels(as_ham10000, CLASSES)
    assert found.classes == CLASSES
    assert found.label_groups == {"akiec": ("actinic keratosis", "squamous cell carcinoma")}
    labels = {before.label: after.label for before, after in zip(as_ham10000, found, strict=True)}
    assert labels == {"akiec": "akiec", "mel": "melanoma", "nv": "nevus", "bkl": "pigmented benign keratosis"}


def test_what_the_detector_tells_apart_and_the_label_does_not_is_coarse(as_ham10000):
    found = translate_labels(as_ham10000, (*CLASSES, "seborrheic keratosis"))
    assert found.label_groups["bkl"] == ("pigmented benign keratosis", "seborrheic keratosis")


def test_a_detector_is_measured_on_another_collections_labels(detector, as_ham10000):
    found = detector.evaluate(as_ham10000, shortcuts=True)
    keratoses, joined = (
        "pigmented benign keratosis or seborrheic keratosis",
        "actinic keratosis or squamous cell carcinoma",
    )
    assert {found.classes[label] for label in found.labels} == {"melanoma", "nevus", joined, keratoses}
    assert len(found) == len(as_ham10000)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    own = detector.predictor.probabilities(replace(as_ham10000).pixels((32, 32)))
    both = [detector.classes.index(label) for label in joined.split(" or ")]
    np.testing.assert_allclose(found.probabilities[:, found.classes.index(joined)], own[:, both].sum(axis=1))
    # What was benign by itself is benign together, and need not be reviewed.
    assert 0 <= found.figures["benign_below_threshold"].value <= 1


def test_what_other_images_tell_apart_is_not_joined(detector, as_ham10000, data):
    fine = tuple(record for record in data.test if record.label == "actinic keratosis")
    both = replace(
        as_ham10000,
        records=(*as_ham10000.records, *fine),
        classes=(*as_ham10000.classes, "actinic keratosis"),
    )
    with pytest.warns(DataWarning, match="have a coarse label .akiec. and are not measured"):
        found = detector.evaluate(both)
    assert "actinic keratosis" in found.classes


def test_an_alert_to_any_malignancy_needs_each_by_itself(detector, as_ham10000):
    with pytest.warns(DataWarning, match="have a coarse label .akiec, bkl. and are not measured"):
        found = detector.at(target="malignant").evaluate(as_ham10000)
    assert {found.classes[label] for label in found.labels} == {"melanoma", "nevus"}


def test_a_class_of_another_world_is_refused(data):
    strange = replace(data.test, classes=("freckle", *data.classes))
    with pytest.raises(DetectorError, match="does not know the classes freckle; it knows actinic"):
        translate_labels(strange, CLASSES + tuple(set(data.classes) - set(CLASSES)))
