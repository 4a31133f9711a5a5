"""Temperature scaling: it corrects overconfidence, restores class frequencies, and weights sources."""

import numpy as np
import pytest

from melanoma_detect.inference.prediction import softmax
from melanoma_detect.training.temperature_scaling import fit_bias, fit_temperature, source_weights


def draw_logits(count, confidence, seed=0):
    """Return the logits of a model that is overconfident by a factor, and the labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits)])
    return (logits * confidence).astype(np.float32), labels


@pytest.mark.parametrize("confidence", [0.5, 1.0, 3.0])
def test_temperature_corrects_overconfidence(confidence):
    logits, labels = draw_logits(4000, confidence)
    assert fit_temperature(logits, np.eye(4, dtype=bool)[labels]) == pytest.approx(confidence, rel=0.1)


def test_temperature_uses_coarse_labels():
    logits, labels = draw_logits(4000, 2.0)
    targets = np.eye(4, dtype=bool)[labels]
    targets[::2, 2:] |= targets[::2, 2:].any(axis=1, keepdims=True)
    assert fit_temperature(logits, targets) == pytest.approx(2.0, rel=0.15)


def test_bias_recovers_the_class_frequencies():
    rng = np.random.default_rng(1)
    logits, added = rng.normal(size=(6000, 4)), np.array([1.5, 0.0, -1.0, -0.5])
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits + added)])
    temperature, bias = fit_bias((2 * logits).astype(np.float32), np.eye(4, dtype=bool)[labels])
    assert temperature == pytest.approx(2.0, rel=0.1)
    np.testing.assert_allclose(bias, added - added.mean(), atol=0.15)


def test_class_without_images_has_a_finite_bias():
    logits, labels = draw_logits(500, 1.0)
    _, bias = fit_bias(logits, np.eye(4, dtype=bool)[np.minimum(labels, 2)])
    assert -15 < bias[3] < bias[0]


def test_weights_count_as_repetitions():
    logits, labels = draw_logits(300, 2.0)
    targets, weights = np.eye(4, dtype=bool)[labels], np.random.default_rng(2).integers(0, 4, 300)
    repeated = np.repeat(np.arange(300), weights)
    assert fit_temperature(logits, targets, weights.astype(float)) == pytest.approx(
        fit_temperature(logits[repeated], targets[repeated]), rel=1e-4
    )
    temperature, bias = fit_bias(logits, targets, weights.astype(float))
    expected_temperature, expected_bias = fit_bias(logits[repeated], targets[repeated])
    assert temperature == pytest.approx(expected_temperature, rel=1e-3)
    np.testing.assert_allclose(bias, expected_bias, atol=1e-3)


@pytest.mark.parametrize(("power", "shares"), [(1.0, (0.9, 0.1)), (0.5, (0.75, 0.25)), (0.0, (0.5, 0.5))])
def test_the_weight_of_a_source_grows_with_a_power_of_its_size(power, shares):
    weights = source_weights(["a"] * 90 + ["b"] * 10, power)
    assert weights.mean() == pytest.approx(1)
    assert (weights[:90].sum() / 100, weights[90:].sum() / 100) == (pytest.approx(shares[0]), pytest.approx(shares[1]))


def test_with_equal_sources_the_largest_does_not_decide_the_temperature():
    large, large_labels = draw_logits(2000, 3.0, seed=1)
    small, small_labels = draw_logits(400, 1.0, seed=2)
    logits, targets = (
        np.concatenate([large, small]),
        np.eye(4, dtype=bool)[np.concatenate([large_labels, small_labels])],
    )
    sources = ["large"] * 2000 + ["small"] * 400
    by_images, by_sources = (fit_temperature(logits, targets, source_weights(sources, power)) for power in (1.0, 0.0))
    assert 1.3 < by_sources < by_images - 0.3
