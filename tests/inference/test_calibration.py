"""Calibration: from logits to probabilities."""

import numpy as np

from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.prediction import softmax


def test_a_bias_changes_only_the_share_of_melanoma():
    classes = ("nevus", "melanoma", "dermatofibroma")
    logits = np.random.default_rng(1).normal(scale=3, size=(50, 3))
    even = Calibration(temperature=1.5).probabilities(logits, classes)
    np.testing.assert_allclose(even, softmax(logits / 1.5))
    moved = Calibration(temperature=1.5, bias=(2.0, 0.5, -1.0)).probabilities(logits, classes)
    np.testing.assert_allclose(moved.sum(axis=1), 1)
    np.testing.assert_allclose(moved[:, 1], softmax(logits / 1.5 + np.array([2.0, 0.5, -1.0]))[:, 1])
    np.testing.assert_allclose(moved[:, 0] / moved[:, 2], even[:, 0] / even[:, 2])


def test_a_bias_without_melanoma_changes_nothing():
    logits = np.array([[1.0, 0.0]])
    biased = Calibration(bias=(3.0, -3.0)).probabilities(logits, ("nevus", "dermatofibroma"))
    np.testing.assert_allclose(biased, softmax(logits))


def test_vanishing_probabilities_do_not_divide_by_zero():
    far = Calibration(bias=(0.0, 1.0)).probabilities(np.array([[1e4, -1e4]]), ("nevus", "melanoma"))
    np.testing.assert_allclose(far, [[1.0, 0.0]], atol=1e-12)
