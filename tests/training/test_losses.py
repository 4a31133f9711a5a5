"""Training losses: class frequencies, coarse labels, label smoothing and mixed images."""

from dataclasses import replace

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.training.losses import LabelStatistics, count_labels, make_accuracy, make_loss

EVEN = LabelStatistics(np.eye(3, dtype=np.float32), np.full(3, 1 / 3, np.float32))
UNEVEN = EVEN._replace(prior=np.array([0.7, 0.2, 0.1], np.float32))
COARSE = LabelStatistics(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]], np.float32), UNEVEN.prior)


def output(logits, own=1.0, smoothing=0.0):
    logits = np.asarray(logits, np.float32)
    terms = np.broadcast_to(np.array([own, smoothing], np.float32), (len(logits), 2))
    return np.concatenate([logits, terms], axis=1)


def value(recipe, labels, truth, *arguments):
    return np.asarray(make_loss(recipe, labels)(np.asarray(truth), output(*arguments)))


def softmax(logits):
    e = np.exp(np.asarray(logits) - np.max(logits))
    return e / e.sum()


def test_plain_loss_is_keras_cross_entropy():
    logits, truth = np.random.default_rng(1).normal(size=(5, 3)), np.array([0, 1, 2, 1, 0])
    expected = keras.losses.sparse_categorical_crossentropy(truth, logits.astype(np.float32), from_logits=True)
    np.testing.assert_allclose(value(md.Recipe(), EVEN, truth, logits), np.asarray(expected), rtol=1e-5)


def test_coarse_label_takes_the_sum_of_its_classes():
    p = softmax([0.3, -1.0, 2.0])
    losses = value(md.Recipe(), COARSE, [3], [[0.3, -1.0, 2.0]])
    assert losses[0] == pytest.approx(-np.log(p[1] + p[2]), rel=1e-5)


@pytest.mark.parametrize("loss", ["plain", "weighted", "focal", "logit_adjusted"])
def test_extreme_logits_give_finite_losses(loss):
    recipe = md.Recipe(loss=loss, label_smoothing=0.1)
    losses = value(recipe, COARSE, [0, 3], [[-3e4, 3e4, 0], [3e4, -3e4, -3e4]], 1.0, 0.1)
    assert np.isfinite(losses).all()


def test_label_smoothing_spreads_the_target():
    log_p = np.log(softmax([1.0, 0.0, -1.0]))
    losses = value(md.Recipe(), EVEN, [0], [[1.0, 0.0, -1.0]], 1.0, 0.3)
    assert losses[0] == pytest.approx(-0.7 * log_p[0] - 0.3 * log_p.mean(), rel=1e-5)


def test_weighted_loss_uses_inverse_frequencies_with_mean_one():
    recipe = md.Recipe(loss="weighted")
    plain, weighted = (value(r, UNEVEN, [0, 1, 2], np.zeros((3, 3))) for r in (md.Recipe(), recipe))
    np.testing.assert_allclose(weighted / plain, [1 / 2.1, 1 / 0.6, 1 / 0.3], rtol=1e-5)
    assert (UNEVEN.prior * weighted / plain).sum() == pytest.approx(1, rel=1e-5)


def test_focal_loss_reduces_the_weight_of_easy_images():
    easy, hard = value(md.Recipe(loss="focal", focus=2.0), EVEN, [0, 1], [[3.0, 0, 0], [3.0, 0, 0]])
    p = softmax([3.0, 0, 0])
    assert easy == pytest.approx(-np.log(p[0]) * (1 - p[0]) ** 2, rel=1e-4)
    assert hard == pytest.approx(-np.log(p[1]) * (1 - p[1]) ** 2, rel=1e-4)


def test_logit_adjusted_loss_adds_the_log_prior():
    recipe = md.Recipe(loss="logit_adjusted", tau=0.5)
    losses = value(recipe, UNEVEN, [2], [[0.2, 0.1, 0.0]])
    adjusted = softmax(np.array([0.2, 0.1, 0.0]) + 0.5 * np.log(UNEVEN.prior))
    assert losses[0] == pytest.approx(-np.log(adjusted[2]), rel=1e-5)


def test_class_without_images_is_discouraged():
    absent = EVEN._replace(prior=np.array([0.6, 0.4, 0.0], np.float32))
    logits = [[0.0, 0.0, 2.0]]
    assert value(md.Recipe(loss="logit_adjusted"), absent, [0], logits) > value(md.Recipe(), absent, [0], logits)


def test_mixed_images_take_both_labels():
    recipe = md.Recipe(mixup=1.0)
    logits = np.random.default_rng(1).normal(size=(3, 3))
    losses = value(recipe, EVEN, [0, 1, 2], logits, 0.7)
    own, other = (value(md.Recipe(), EVEN, truth, logits) for truth in ([0, 1, 2], [2, 0, 1]))
    np.testing.assert_allclose(losses, 0.7 * own + 0.3 * other, rtol=1e-5)


def test_accuracy_accepts_every_class_of_a_coarse_label():
    accuracy = make_accuracy(COARSE)(np.array([3, 3, 0]), output([[0, 1, 0], [1, 0, 0], [1, 0, 0]]))
    assert np.asarray(accuracy).tolist() == [1, 0, 1]


def test_prior_counts_weights_and_divides_coarse_labels(data):
    labels = count_labels(data.train)
    counts = data.distribution()["train"].to_numpy()
    np.testing.assert_allclose(labels.prior, counts / counts.sum(), rtol=1e-5)
    heavy = data.with_records(replace(r, weight=3.0 if r.label == "nevus" else 1.0) for r in data.records)
    nevus = data.classes.index("nevus")
    assert count_labels(heavy.train).prior[nevus] > 1.5 * labels.prior[nevus]
    coarse = replace(
        data,
        label_groups={"either": ("nevus", "melanoma")},
        records=tuple(replace(r, label="either") if r.label == "nevus" else r for r in data.records),
    )
    shared = count_labels(coarse.train)
    melanoma = data.classes.index("melanoma")
    assert shared.prior.sum() == pytest.approx(1)
    assert shared.prior[melanoma] == pytest.approx(labels.prior[melanoma] + labels.prior[nevus], rel=1e-3)


@pytest.mark.parametrize("loss", ["plain", "weighted", "focal", "logit_adjusted"])
def test_a_coarse_label_without_classes_teaches_nothing(data, loss):
    split = replace(
        data.train, label_groups={"other": ()}, records=(replace(data.train[0], label="other"), *data.train[1:])
    )
    labels = count_labels(split)
    assert np.isfinite(labels.prior).all()
    assert labels.prior.sum() == pytest.approx(1)
    losses = value(md.Recipe(loss=loss), labels, [9, 0], np.zeros((2, 9)))
    assert losses[0] == 0
    assert np.isfinite(losses).all()
