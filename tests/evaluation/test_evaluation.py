"""The metrics of an evaluation, compared with scikit-learn's, and the choice of images."""

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


def test_metrics_are_those_of_scikit_learn(answers, evaluation):
    probabilities, labels, _ = answers
    predicted = probabilities.argmax(axis=1)
    values = {name: figure.value for name, figure in evaluation.figures.items()}
    assert values["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    recalls = metrics.recall_score(labels, predicted, labels=[0, 1, 2], average=None)
    assert values["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert values["melanoma_auc"] == pytest.approx(metrics.roc_auc_score(labels == 0, probabilities[:, 0]))
    alert = probabilities[:, 0] >= 0.3
    assert values["sensitivity"] == pytest.approx(metrics.recall_score(labels == 0, alert))
    assert values["specificity"] == pytest.approx(metrics.recall_score(labels != 0, ~alert))
    assert [evaluation.recall[label].value for label in CLASSES[:3]] == pytest.approx(list(recalls))
    precisions = metrics.precision_score(labels, predicted, labels=[0, 1, 2], average=None)
    assert [evaluation.precision[label].value for label in CLASSES[:3]] == pytest.approx(list(precisions))
    np.testing.assert_array_equal(
        evaluation.confusion, metrics.confusion_matrix(labels, predicted, labels=[0, 1, 2, 3])
    )


def test_every_interval_holds_its_value(evaluation):
    for figure in (*evaluation.figures.values(), *list(evaluation.recall.values())[:3]):
        assert 0 <= figure.low < figure.value <= figure.high <= 1
    assert evaluation.lesions == 150


def test_a_class_that_does_not_occur_has_no_recall(evaluation):
    assert np.isnan(evaluation.recall["scar"].value)
    assert evaluation.to_dict()["recall"]["scar"]["value"] is None
    assert evaluation.precision["scar"].value == 0


def test_auc_with_ties_and_weights_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    scores, positive = rng.integers(0, 6, 80) / 5, rng.random(80) < 0.4
    weights = rng.integers(0, 4, (5, 80)).astype(float)
    expected = [metrics.roc_auc_score(positive, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(weighted_auc(scores, positive, weights), expected)


def test_without_melanomas_or_a_threshold_metrics_are_not_defined(answers):
    probabilities, labels, groups = answers
    benign = labels != 0
    evaluated = measure(probabilities[benign], labels[benign], np.array(groups)[benign].tolist(), CLASSES, POINT)
    assert np.isnan(evaluated.figures["melanoma_auc"].value)
    assert np.isnan(evaluated.figures["sensitivity"].value)
    assert evaluated.figures["specificity"].value > 0
    assert np.isnan(measure(probabilities, labels, groups, CLASSES).figures["sensitivity"].value)


def test_evaluation_prints_as_a_table(evaluation):
    text = str(evaluation)
    assert "balanced accuracy" in text
    assert "set for 95% sensitivity" in text
    assert list(evaluation.frame.index) == list(CLASSES)
    assert evaluation.frame.loc["melanoma", "images"] == evaluation.confusion[0].sum()


def test_evaluation_can_be_written_as_json(evaluation):
    values = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert values["figures"]["accuracy"]["low"] < values["figures"]["accuracy"]["value"]


def test_a_dataset_is_evaluated_on_its_test_split(detector, data):
    evaluated = detector.evaluate(data)
    assert (evaluated.split, len(evaluated)) == ("test", len(data.test))
    assert evaluated.figures["accuracy"].value > 0.3
    probabilities = detector.predictor.probabilities(data.test.pixels(detector.image_size))
    np.testing.assert_allclose(evaluated.probabilities, probabilities, atol=1e-5)


def test_images_that_were_trained_on_are_set_aside(detector, data):
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning):
        detector.evaluate(data.train)
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning):
        detector.evaluate(data.validation)
    evaluated = detector.evaluate(data.validation, seen="keep")
    assert len(evaluated) == len(data.validation)


def test_images_that_were_trained_on_are_recognised_in_another_split(detector, lesions, data):
    other = md.load_dataset(lesions / "Train", image_size=(32, 32), seed=99)
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning, match="too good"):
        detector.evaluate(other.test)


def test_unknown_classes_are_an_error(detector, tree):
    unknown = md.load_dataset(tree({"freckle": 5, "nevus": 5}))
    with pytest.raises(DetectorError, match="does not know the classes freckle"):
        detector.evaluate(unknown)


def test_data_may_have_fewer_classes(detector, tree):
    few = md.load_dataset(tree({"melanoma": 5, "nevus": 5}))
    assert detector.evaluate(few).classes == detector.classes


def test_predictions_are_a_table_of_single_images(detector, data):
    evaluation = detector.evaluate(data)
    predictions = evaluation.predictions
    assert list(predictions.index) == [record.id for record in data.test]
    assert (predictions["truth"] == predictions["diagnosis"]).mean() == evaluation.figures["accuracy"].value
    assert predictions.filter(like="p ").sum(axis=1).to_numpy() == pytest.approx(1)
    assert repr(evaluation).startswith("<Evaluation of 36 test images: accuracy 0.")


def test_old_names_of_attributes_warn(evaluation):
    with pytest.warns(DeprecationWarning, match="use Evaluation.predictions"):
        assert evaluation.answers.equals(evaluation.predictions)
    with pytest.warns(DeprecationWarning, match=r"use Evaluation.per_image.has_melanoma_class"):
        assert evaluation.knows_melanoma
    with pytest.warns(DeprecationWarning, match=r"use md.report.write_html\(evaluation, path\)"):
        assert evaluation.html("report.html").is_file()


def test_single_images_are_attributes_too(evaluation, answers):
    probabilities, labels, groups = answers
    assert evaluation.probabilities is probabilities
    assert evaluation.labels is labels
    assert evaluation.groups == tuple(groups)
    assert evaluation.classes == CLASSES
    assert not evaluation.abstained.any()
    assert evaluation.records == evaluation.ids == ()


def test_data_must_be_a_dataset_or_split(detector):
    with pytest.raises(DetectorError, match="the data is a str; expected a Dataset"):
        detector.evaluate("isic9")


def test_seen_must_be_one_of_its_values(detector, data):
    with pytest.raises(DetectorError, match="expected 'set aside' or 'keep'"):
        detector.evaluate(data, seen="drop")


def test_abstentions_are_neither_true_positives_nor_false_negatives(answers):
    probabilities, labels, groups = answers
    abstained = np.zeros(len(labels), bool)
    abstained[np.flatnonzero(labels == 0)[:2]] = True
    evaluation = measure(probabilities, labels, groups, CLASSES, POINT, abstained=abstained)
    without = measure(probabilities, labels, groups, CLASSES, POINT)
    melanomas = (labels == 0).sum()
    assert evaluation.abstained_melanomas == 2
    assert evaluation.figures["coverage"].value == pytest.approx(1 - 2 / len(labels))
    decided = evaluation.figures["sensitivity"].value + evaluation.figures["false_negative_rate"].value
    assert decided == pytest.approx(1 - 2 / melanomas)
    decided = without.figures["sensitivity"].value + without.figures["false_negative_rate"].value
    assert decided == pytest.approx(1)
    assert evaluation.figures["accuracy"] == without.figures["accuracy"]
    assert "abstains from 2 images, 2 of them melanomas: a person must look" in str(evaluation)
