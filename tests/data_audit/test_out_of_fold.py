"""Labels predicted by a regression that has not seen their lesions."""

import numpy as np
import pytest

from melanoma_detect.data_audit.out_of_fold import centre, predict_out_of_fold, regression_inputs


def clusters(count=300, classes=3, seed=1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    return np.eye(classes)[truth] * 6 + rng.normal(size=(count, classes)), truth


def test_a_wrong_label_has_a_low_probability():
    points, truth = clusters()
    labels = truth.copy()
    labels[:20] = (labels[:20] + 1) % 3
    probabilities = predict_out_of_fold(points, labels, [str(number) for number in range(300)])
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(300))
    assert (np.argsort(probabilities[np.arange(300), labels])[:20] < 20).mean() >= 0.9


def test_images_of_one_lesion_do_not_vouch_for_each_other():
    points, truth = clusters()
    # Twelve images of one lesion lie far from all others and carry one wrong label: only each other could confirm it.
    points[:12] = [6, 0, 0]
    truth[:12] = 1
    alone = [str(number) for number in range(300)]
    apart = predict_out_of_fold(points, truth, ["one"] * 12 + alone[12:])[:12, 1].mean()
    assert apart < predict_out_of_fold(points, truth, alone)[:12, 1].mean()


def test_the_inputs_hold_features_and_answers_and_take_infinitely_sure_ones():
    features = np.random.default_rng(1).normal(size=(40, 6)).astype(np.float32)
    inputs = regression_inputs(features, np.eye(4)[np.arange(40) % 4])
    assert inputs.shape == (40, 6 + 4)
    assert np.isfinite(inputs).all()
    assert regression_inputs(features * 7, np.full((40, 4), 0.25)) == pytest.approx(
        regression_inputs(features, np.full((40, 4), 0.25)), abs=1e-5
    )


def test_features_of_length_zero_are_no_error():
    assert np.isfinite(centre(np.zeros((3, 4), np.float32))).all()


def test_few_images_have_the_components_of_the_same_images_many_times():
    features = np.random.default_rng(1).normal(size=(40, 60)).astype(np.float32)
    answers = np.full((40, 4), 0.25)
    few, many = (
        regression_inputs(features, answers),
        regression_inputs(np.tile(features, (2, 1)), np.tile(answers, (2, 1))),
    )
    assert np.abs(few[:, :10]) == pytest.approx(np.abs(many[:40, :10]), abs=1e-4)
