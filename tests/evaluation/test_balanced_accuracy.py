"""Balanced accuracy over given diagnoses, compared with scikit-learn's on merged labels."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.evaluation import measure

NINE = (
    "actinic keratosis",
    "basal cell carcinoma",
    "dermatofibroma",
    "melanoma",
    "nevus",
    "pigmented benign keratosis",
    "seborrheic keratosis",
    "squamous cell carcinoma",
    "vascular lesion",
)
SEVEN = ("akiec", "bcc", "df", "mel", "nv", "bkl", "vasc")
TO_SEVEN = np.array([0, 1, 2, 3, 4, 5, 5, 0, 6])


@pytest.fixture(scope="module")
def evaluation():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 9, size=400)
    logits = rng.normal(size=(400, 9)) + 1.5 * np.eye(9)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return measure(probabilities, labels, [str(number // 2) for number in range(400)], NINE)


def test_over_the_classes_it_is_the_usual_one(evaluation):
    assert evaluation.balanced_accuracy_over(NINE) == evaluation.figures["balanced_accuracy"]


def test_coarse_labels_add_up_what_they_cover(evaluation):
    summed = evaluation.probabilities @ np.eye(7)[TO_SEVEN]
    expected = balanced_accuracy_score(TO_SEVEN[evaluation.labels], summed.argmax(axis=1))
    seven = evaluation.balanced_accuracy_over(SEVEN)
    assert seven.value == pytest.approx(expected)
    assert seven.low < seven.value < seven.high
    assert seven.lesions == evaluation.lesions


def test_other_diagnoses_take_no_part_and_their_prediction_is_wrong(evaluation):
    chosen = np.isin(evaluation.labels, [3, 4])
    predicted, labels = evaluation.per_image.predicted[chosen], evaluation.labels[chosen]
    expected = np.mean([(predicted[labels == label] == label).mean() for label in (3, 4)])
    assert evaluation.balanced_accuracy_over(["melanoma", "naevus"]).value == pytest.approx(expected)


def test_a_set_with_merged_classes_is_measured_over_the_same_seven(evaluation):
    names = np.array(SEVEN)[TO_SEVEN[evaluation.labels]]
    merged = measure(
        evaluation.probabilities @ np.eye(7)[TO_SEVEN],
        TO_SEVEN[evaluation.labels],
        evaluation.groups,
        SEVEN,
        label_names=tuple(names),
        unmerged=(evaluation.probabilities, NINE),
    )
    assert merged.balanced_accuracy_over(SEVEN) == evaluation.balanced_accuracy_over(SEVEN)
    assert np.isnan(merged.balanced_accuracy_over(["actinic keratosis"]).value)  # no label says that much


def test_labels_that_do_not_fit_are_named(evaluation):
    with pytest.raises(DetectorError, match="'lentigo simplex' covers no class of the detector; it knows actinic"):
        evaluation.balanced_accuracy_over(["nevus", "lentigo simplex"])
    with pytest.raises(DetectorError, match="'bkl' and 'seborrheic keratosis' both cover seborrheic keratosis"):
        evaluation.balanced_accuracy_over(["bkl", "seborrheic keratosis"])


def test_at_least_one_label_is_needed(evaluation):
    with pytest.raises(DetectorError, match="no label; expected one or more that cover classes"):
        evaluation.balanced_accuracy_over([])


def test_common_classes_have_twenty_images():
    labels = np.array([0] * 20 + [1] * 19 + [2] * 30)
    probabilities = np.eye(3)[np.r_[np.zeros(10, int), np.ones(10, int), labels[20:39], np.full(30, 2)]]
    found = measure(probabilities, labels, list(map(str, range(69))), ("melanoma", "nevus", "dermatofibroma"))
    assert found.common_classes == ("melanoma", "dermatofibroma")
    assert found.figures["balanced_accuracy_common"].value == pytest.approx(0.75)
    assert found.figures["balanced_accuracy_common"].lesions == 50
    assert found.to_dict()["common_classes"] == ["melanoma", "dermatofibroma"]


def test_one_common_class_has_no_balanced_accuracy():
    found = measure(np.eye(2)[[0] * 20 + [1] * 5], np.array([0] * 20 + [1] * 5), list(map(str, range(25))), NINE[3:5])
    assert found.common_classes == ("melanoma",)
    assert np.isnan(found.figures["balanced_accuracy_common"].value)
