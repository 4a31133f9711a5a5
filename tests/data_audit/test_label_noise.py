"""How many labels are wrong: an estimate from probabilities and labels."""

import numpy as np
import pytest

from melanoma_detect.data_audit.label_noise import fit_label_noise


def drawn(rate, *, count=1500, classes=4, seed=1, temperature=1.0):
    """Labels that are drawn from their probabilities, of which a share is then made wrong."""
    rng = np.random.default_rng(seed)
    logits = 4 * rng.normal(size=(count, classes))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (truth.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    wrong = rng.random(count) < rate
    labels[wrong] = (labels[wrong] + rng.integers(1, classes, wrong.sum())) % classes
    told = np.exp(logits * temperature)
    return told / told.sum(axis=1, keepdims=True), labels, wrong, [str(number) for number in range(count)]


@pytest.mark.parametrize("rate", [0, 0.02, 0.1, 0.3])
@pytest.mark.parametrize("temperature", [0.7, 1.5])
def test_the_share_of_wrong_labels_is_found_however_sure_the_probabilities_are(rate, temperature):
    probabilities, labels, wrong, groups = drawn(rate, temperature=temperature)
    noise = fit_label_noise(probabilities, labels, groups)
    assert noise.low - 0.005 <= wrong.mean() <= noise.high + 0.005
    assert noise.chances.sum() == pytest.approx(noise.rate * len(labels), rel=0.25, abs=3)


def test_the_chances_are_calibrated():
    probabilities, labels, wrong, groups = drawn(0.1, count=6000)
    chances = fit_label_noise(probabilities, labels, groups).chances
    for low, high in ((0.02, 0.3), (0.3, 0.7), (0.7, 1)):
        inside = (chances >= low) & (chances < high)
        assert wrong[inside].mean() == pytest.approx(chances[inside].mean(), abs=0.08)


def test_several_images_of_a_lesion_count_as_one():
    probabilities, labels, _, groups = drawn(0.1, count=300)
    alone = fit_label_noise(probabilities, labels, groups)
    repeated = fit_label_noise(probabilities.repeat(5, axis=0), labels.repeat(5), np.repeat(groups, 5).tolist())
    assert (repeated.rate, repeated.low, repeated.high) == pytest.approx((alone.rate, alone.low, alone.high), rel=0.01)
    as_others = fit_label_noise(probabilities.repeat(5, axis=0), labels.repeat(5), [str(n) for n in range(1500)])
    assert as_others.high - as_others.low < 0.7 * (alone.high - alone.low)
