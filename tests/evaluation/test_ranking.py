"""Areas under the ROC curve, compared with scikit-learn's and with the ISIC 2024 challenge's definition."""

import numpy as np
import pytest
from sklearn import metrics

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.ranking import MAX_PARTIAL_AUC, weighted_auc, weighted_partial_auc


def partial_auc_of_the_challenge(positive, scores, sample_weight=None):
    """Compute the area above 80 % sensitivity by exchanging the classes, as the challenge's scorer does."""
    false, true, _ = metrics.roc_curve(~positive, -scores, sample_weight=sample_weight)
    inside = false <= MAX_PARTIAL_AUC
    at_limit = np.interp(MAX_PARTIAL_AUC, false, true)
    return metrics.auc([*false[inside], MAX_PARTIAL_AUC], [*true[inside], at_limit])


@pytest.mark.parametrize("digits", [1, 6])
def test_areas_with_ties_and_weights_are_those_of_the_challenge_and_of_scikit_learn(digits):
    rng = np.random.default_rng(digits)
    for size in (5, 12, 40, 300):
        positive = np.arange(size) < max(1, size // 4)
        scores = (rng.random(size) + 0.4 * positive).round(digits)
        weights = np.vstack([np.ones(size), rng.integers(1, 4, size)]).astype(float)
        partial = [partial_auc_of_the_challenge(positive, scores, row) for row in weights]
        np.testing.assert_allclose(weighted_partial_auc(scores, positive, weights), partial, atol=1e-12)
        whole = [metrics.roc_auc_score(positive, scores, sample_weight=row) for row in weights]
        np.testing.assert_allclose(weighted_auc(scores, positive, weights), whole)


def test_the_limits_of_the_partial_area():
    positive, ones = np.array([False] * 6 + [True] * 4), np.ones((1, 10))
    assert weighted_partial_auc(positive.astype(float), positive, ones) == pytest.approx(0.2)
    assert weighted_partial_auc(np.zeros(10), positive, ones) == pytest.approx(0.02)  # chance
    assert weighted_partial_auc(-positive.astype(float), positive, ones) == pytest.approx(0)
    assert np.isnan(weighted_partial_auc(np.zeros(10), np.ones(10, bool), ones)).all()


def test_figures_have_the_partial_area_with_an_interval():
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2], [40, 100, 30])
    logits = rng.normal(size=(170, 3)) + 1.5 * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = ("melanoma", "nevus", "basal cell carcinoma")
    found = measure(probabilities, labels, list(map(str, range(170))), classes).figures
    expected = partial_auc_of_the_challenge(labels == 0, probabilities[:, 0])
    assert found["melanoma_pauc_80"].value == pytest.approx(expected)
    malignant = probabilities[:, 0] + probabilities[:, 2]
    assert found["malignant_pauc_80"].value == pytest.approx(partial_auc_of_the_challenge(labels != 1, malignant))
    assert 0 < found["melanoma_pauc_80"].low < expected < found["melanoma_pauc_80"].high < 0.2
    assert found["melanoma_pauc_80"].lesions == 40


def test_a_perfect_ranking_has_an_interval_up_to_the_highest_value():
    labels = np.repeat([0, 1], 30)
    figure = measure(np.eye(2)[labels], labels, list(map(str, range(60))), ("melanoma", "nevus")).figures[
        "melanoma_pauc_80"
    ]
    assert (figure.value, figure.high) == pytest.approx((0.2, 0.2))
    assert figure.low == pytest.approx(0.2 * 0.025 ** (1 / 30))
