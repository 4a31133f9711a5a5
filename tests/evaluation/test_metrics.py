"""Metrics at 95 % sensitivity, compared with scikit-learn's ROC curve, and metrics of weighted images."""

import numpy as np
import pytest
from sklearn import metrics

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.metrics import Figures, WeightedMetrics

CLASSES = ("melanoma", "nevus", "basal cell carcinoma")


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(8)
    labels = rng.choice(3, size=400, p=[0.2, 0.6, 0.2])
    logits = rng.normal(size=(400, 3)).round(1) + 1.5 * np.eye(3)[labels]  # rounded: some scores are equal
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels, [str(number) for number in range(400)]


def test_specificity_at_95_is_read_off_scikit_learns_curve(answers):
    probabilities, labels, _ = answers
    false, true, _ = metrics.roc_curve(labels == 0, probabilities[:, 0], drop_intermediate=False)
    specificity = measure(*answers, CLASSES).figures["specificity_at_95"].value
    assert specificity == pytest.approx(1 - false[true >= 0.95][0])


def test_benign_below_threshold_excludes_carcinomas_and_abstentions(answers):
    probabilities, labels, groups = answers
    _, true, thresholds = metrics.roc_curve(labels == 0, probabilities[:, 0], drop_intermediate=False)
    below = probabilities[:, 0] < thresholds[true >= 0.95][0]
    share = measure(*answers, CLASSES).figures["benign_below_threshold"].value
    assert share == pytest.approx(below[labels == 1].mean())
    abstained = np.zeros(len(labels), bool)
    abstained[np.flatnonzero((labels == 1) & below)[:10]] = True
    share = measure(probabilities, labels, groups, CLASSES, abstained=abstained).figures["benign_below_threshold"].value
    assert share == pytest.approx((below & ~abstained)[labels == 1].mean())


def test_weights_count_like_repeated_images(answers):
    probabilities, labels, groups = answers
    rows = np.random.default_rng(1).integers(0, 400, 400)
    weights = np.bincount(rows, minlength=400)[None].astype(float)
    never, groups = np.zeros(400, bool), tuple(groups)
    weighted = WeightedMetrics(Answers(probabilities, labels, groups, CLASSES, never), None)(weights)
    repeated = Answers(probabilities[rows], labels[rows], groups, CLASSES, never)
    expected = WeightedMetrics(repeated, None)(np.ones((1, 400)))
    for name in ("specificity_at_95", "benign_below_threshold", "ece", "brier", "brier_classes", "melanoma_auc"):
        assert weighted[name] == pytest.approx(expected[name]), name


def test_without_melanomas_there_is_no_threshold(answers):
    probabilities, labels, groups = answers
    benign = labels != 0
    evaluation = measure(probabilities[benign], labels[benign], np.array(groups)[benign].tolist(), CLASSES)
    assert np.isnan(evaluation.figures["specificity_at_95"].value)
    assert np.isnan(evaluation.figures["benign_below_threshold"].value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("missed", "false_negative_rate"),
        ("false_alarms", "false_positive_rate"),
        ("spared", "benign_below_threshold"),
    ],
)
def test_old_names_of_metrics_warn(answers, old, new):
    figures = measure(*answers, CLASSES).figures
    with pytest.warns(DeprecationWarning, match=rf'figures\["{old}"\] is deprecated .* use figures\["{new}"\]'):
        assert figures[old] is figures[new]
    assert old not in list(figures)


def test_unknown_metrics_are_key_errors():
    with pytest.raises(KeyError, match="recal"):
        Figures(recall=Figure(1.0, 0.9, 1.0, 30))["recal"]
