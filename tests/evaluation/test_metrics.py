"""What is read off the curve, held against scikit-learn's curve."""

import numpy as np
import pytest
from sklearn import metrics

from melanoma_detect.evaluation.evaluation import measure

CLASSES = ("melanoma", "nevus", "basal cell carcinoma")


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(8)
    labels = rng.choice(3, size=400, p=[0.2, 0.6, 0.2])
    logits = rng.normal(size=(400, 3)).round(1) + 1.5 * np.eye(3)[labels]  # rounded: scores that tie
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels, [str(at) for at in range(400)]


def test_specificity_at_95_is_read_off_scikit_learns_curve(answers):
    probabilities, labels, _ = answers
    false, true, _ = metrics.roc_curve(labels == 0, probabilities[:, 0], drop_intermediate=False)
    assert measure(*answers, CLASSES).figures["specificity_at_95"].value == pytest.approx(1 - false[true >= 0.95][0])


def test_spared_are_the_benign_alone_and_none_that_it_abstains_from(answers):
    probabilities, labels, groups = answers
    _, true, thresholds = metrics.roc_curve(labels == 0, probabilities[:, 0], drop_intermediate=False)
    under = probabilities[:, 0] < thresholds[true >= 0.95][0]
    assert measure(*answers, CLASSES).figures["spared"].value == pytest.approx(under[labels == 1].mean())
    away = np.zeros(len(labels), bool)
    away[np.flatnonzero((labels == 1) & under)[:10]] = True
    found = measure(probabilities, labels, groups, CLASSES, abstained=away)
    assert found.figures["spared"].value == pytest.approx((under & ~away)[labels == 1].mean())


def test_drawn_weights_count_as_repeated_images(answers):
    probabilities, labels, _ = answers
    rows = np.random.default_rng(1).integers(0, 400, 400)
    from melanoma_detect.evaluation.metrics import Statistics

    weights = np.bincount(rows, minlength=400)[None].astype(float)
    none = np.zeros(400, bool)
    drawn = Statistics(probabilities, labels, CLASSES, None, none)(weights)
    repeated = Statistics(probabilities[rows], labels[rows], CLASSES, None, none)(np.ones((1, 400)))
    for name in ("specificity_at_95", "spared", "ece", "brier", "brier_classes", "melanoma_auc"):
        assert drawn[name] == pytest.approx(repeated[name]), name


def test_without_melanomas_nothing_is_read_off(answers):
    probabilities, labels, groups = answers
    benign = labels != 0
    found = measure(probabilities[benign], labels[benign], np.array(groups)[benign].tolist(), CLASSES)
    assert np.isnan(found.figures["specificity_at_95"].value)
    assert np.isnan(found.figures["spared"].value)
