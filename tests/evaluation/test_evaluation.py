"""Figures, held against scikit-learn's."""

import json

import numpy as np
import pytest
from sklearn import metrics

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.metrics import weighted_auc
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus", "dermatofibroma", "scar")
POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(3)
    labels = rng.choice(3, size=300, p=[0.2, 0.6, 0.2])  # no scar occurs
    logits = rng.normal(size=(300, 4)) + 1.5 * np.eye(4)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities, labels, [str(number // 2) for number in range(300)]


@pytest.fixture(scope="module")
def evaluation(answers):
    return measure(*answers, CLASSES, POINT)


def test_the_figures_are_those_of_scikit_learn(answers, evaluation):
    probabilities, labels, _ = answers
    called = probabilities.argmax(axis=1)
    values = {name: figure.value for name, figure in evaluation.figures.items()}
    assert values["accuracy"] == pytest.approx(metrics.accuracy_score(labels, called))
    recalls = metrics.recall_score(labels, called, labels=[0, 1, 2], average=None)
    assert values["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert values["melanoma_auc"] == pytest.approx(metrics.roc_auc_score(labels == 0, probabilities[:, 0]))
    alert = probabilities[:, 0] >= 0.3
    assert values["sensitivity"] == pytest.approx(metrics.recall_score(labels == 0, alert))
    assert values["specificity"] == pytest.approx(metrics.recall_score(labels != 0, ~alert))
    assert [evaluation.recall[label].value for label in CLASSES[:3]] == pytest.approx(list(recalls))
    precisions = metrics.precision_score(labels, called, labels=[0, 1, 2], average=None)
    assert [evaluation.precision[label].value for label in CLASSES[:3]] == pytest.approx(list(precisions))
    np.testing.assert_array_equal(evaluation.confusion, metrics.confusion_matrix(labels, called, labels=[0, 1, 2, 3]))


def test_every_interval_holds_its_figure(evaluation):
    for figure in (*evaluation.figures.values(), *list(evaluation.recall.values())[:3]):
        assert 0 <= figure.low < figure.value <= figure.high <= 1
    assert evaluation.lesions == 150


def test_a_class_that_does_not_occur_has_no_recall(evaluation):
    assert np.isnan(evaluation.recall["scar"].value)
    assert evaluation.to_dict()["recall"]["scar"]["value"] is None
    assert evaluation.precision["scar"].value == 0


def test_the_area_counts_ties_and_weights_as_scikit_learn_does():
    rng = np.random.default_rng(1)
    scores, positive = rng.integers(0, 6, 80) / 5, rng.random(80) < 0.4
    weights = rng.integers(0, 4, (5, 80)).astype(float)
    expected = [metrics.roc_auc_score(positive, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(weighted_auc(scores, positive, weights), expected)


def test_without_melanomas_or_a_threshold_figures_are_missing_not_wrong(answers):
    probabilities, labels, groups = answers
    benign = labels != 0
    found = measure(probabilities[benign], labels[benign], np.array(groups)[benign].tolist(), CLASSES, POINT)
    assert np.isnan(found.figures["melanoma_auc"].value)
    assert np.isnan(found.figures["sensitivity"].value)
    assert found.figures["specificity"].value > 0
    assert np.isnan(measure(probabilities, labels, groups, CLASSES).figures["sensitivity"].value)


def test_it_reads_as_a_table(evaluation):
    text = str(evaluation)
    assert "balanced accuracy" in text
    assert "set for 95% sensitivity" in text
    assert list(evaluation.frame.index) == list(CLASSES)
    assert evaluation.frame.loc["melanoma", "images"] == evaluation.confusion[0].sum()


def test_it_can_be_written_as_json(evaluation):
    values = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert values["figures"]["accuracy"]["low"] < values["figures"]["accuracy"]["value"]


def test_a_detector_is_measured_on_test(detector, data):
    found = detector.evaluate(data)
    assert (found.split, len(found)) == ("test", len(data.test))
    assert found.figures["accuracy"].value > 0.3
    probabilities = detector.predictor.probabilities(data.test.pixels(detector.image_size))
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-5)


def test_images_that_were_trained_on_are_set_aside(detector, data):
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning):
        detector.evaluate(data.train)
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning):
        detector.evaluate(data.validation)
    kept = detector.evaluate(data.validation, seen="keep")
    assert len(kept) == len(data.validation)


def test_another_split_of_the_same_images_does_not_fool_it(detector, lesions, data):
    other = md.load_dataset(lesions / "Train", image_size=(32, 32), seed=99)
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning, match="too good"):
        detector.evaluate(other.test)


def test_classes_that_the_detector_does_not_know_are_refused(detector, tree):
    strange = md.load_dataset(tree({"freckle": 5, "nevus": 5}))
    with pytest.raises(DetectorError, match="does not know the classes freckle"):
        detector.evaluate(strange)


def test_fewer_classes_are_fine(detector, tree):
    few = md.load_dataset(tree({"melanoma": 5, "nevus": 5}))
    assert detector.evaluate(few).classes == detector.classes


def test_the_single_answers_can_be_looked_through(detector, data):
    found = detector.evaluate(data)
    assert list(found.answers.index) == [record.id for record in data.test]
    assert (found.answers["truth"] == found.answers["diagnosis"]).mean() == found.figures["accuracy"].value
    assert found.answers.filter(like="p ").sum(axis=1).to_numpy() == pytest.approx(1)
    assert repr(found).startswith("<Evaluation of 36 test images: accuracy 0.")


def test_a_folder_is_no_dataset(detector):
    with pytest.raises(DetectorError, match="the data is a str; expected a Dataset"):
        detector.evaluate("isic9")


def test_a_slip_in_seen_is_answered(detector, data):
    with pytest.raises(DetectorError, match="expected 'set aside' or 'keep'"):
        detector.evaluate(data, seen="drop")


def test_abstaining_is_neither_found_nor_missed(answers):
    probabilities, labels, groups = answers
    away = np.zeros(len(labels), bool)
    away[np.flatnonzero(labels == 0)[:2]] = True
    found = measure(probabilities, labels, groups, CLASSES, POINT, abstained=away)
    without = measure(probabilities, labels, groups, CLASSES, POINT)
    melanomas = (labels == 0).sum()
    assert found.abstained_melanomas == 2
    assert found.figures["coverage"].value == pytest.approx(1 - 2 / len(labels))
    known = found.figures["sensitivity"].value + found.figures["missed"].value
    assert known == pytest.approx(1 - 2 / melanomas)
    assert without.figures["sensitivity"].value + without.figures["missed"].value == pytest.approx(1)
    assert found.figures["accuracy"] == without.figures["accuracy"]
    assert "abstains from 2 images, 2 of them melanomas: a person must look" in str(found)
