"""The fit of a local calibration, on drawn probabilities."""

import numpy as np
import pytest

from melanoma_detect.inference.prediction import softmax
from melanoma_detect.training.local_fit import (
    LocalImages,
    fit_diagnoses,
    fit_line,
    fit_local,
    image_weights,
    lowest_of_lesions,
)

CLASSES = ("melanoma", "basal cell carcinoma", "nevus", "dermatofibroma")


def draw_scores(count, intercept, slope, seed=1):
    """Return probabilities, and labels as they would be if their log-odds were moved along a line."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-1.5, 1.5, size=count)
    positive = rng.random(count) < 1 / (1 + np.exp(-(slope * x + intercept)))
    return 1 / (1 + np.exp(-x)), positive


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (-1.5, 1.0), (1.0, 0.5)])
def test_line_is_found_with_many_images(intercept, slope):
    line = fit_line(*draw_scores(8000, intercept, slope), np.ones(8000))
    assert (line.intercept, line.slope) == (pytest.approx(intercept, abs=0.15), pytest.approx(slope, rel=0.12))


def test_few_images_change_little():
    scores, positive = draw_scores(10, 0.0, 1.0)
    positive[:] = False
    line = fit_line(scores, positive, np.ones(10))
    assert line(np.array([0.2]))[0] > 0.02  # the images alone say: never
    assert fit_line(np.empty(0), np.empty(0, bool), np.empty(0)).slope == 1.0


def test_images_of_one_lesion_count_less_than_those_of_several():
    assert image_weights(np.array(["a", "b", "c"])).tolist() == [1, 1, 1]
    scores, groups = np.full(10, 0.3), np.repeat(np.arange(10), 5).astype(str)
    once, several, copies = (
        fit_line(np.repeat(scores, count), np.zeros(10 * count, bool), weights)
        for count, weights in ((1, np.ones(10)), (5, image_weights(groups)), (5, np.ones(50)))
    )
    assert copies.intercept < several.intercept < once.intercept < 0


def draw_images(count, bias, seed=1):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, len(CLASSES)))
    labels = [rng.choice(len(CLASSES), p=row) for row in softmax(logits + np.array(bias))]
    return softmax(logits), LocalImages(np.eye(len(CLASSES), dtype=bool)[labels], np.arange(count).astype(str), CLASSES)


def test_class_frequencies_are_found_within_a_kind():
    rows, images = draw_images(4000, [0.0, 0.0, 1.0, -1.0])
    _, bias = fit_diagnoses(rows, images)
    assert bias[2] - bias[3] == pytest.approx(2.0, abs=0.2)
    assert bias[0] == bias[1] == 0  # alone of their kind: the lines decide


def test_localised_probabilities_are_calibrated():
    rows, images = draw_images(3000, [-2.0, 0.5, 1.0, -1.0])
    local = fit_local(rows, images).apply(rows, CLASSES)
    np.testing.assert_allclose(local.mean(axis=0), images.targets.mean(axis=0), atol=0.02)
    assert abs(rows.mean(axis=0) - images.targets.mean(axis=0)).max() > 0.1


def test_coarse_labels_tell_what_they_can():
    _, images = draw_images(6, [0.0] * 4)
    targets = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1]], bool)
    images = images._replace(targets=targets)
    shown, known = images.sides("melanoma")
    assert known.tolist() == [False, True, False, True, True, True]
    assert shown[known].tolist() == [False, False, True, False]
    assert images.sides("malignant")[1].tolist() == [True, True, False, True, True, False]


def test_scores_of_operating_points_are_one_for_each_lesion():
    rows, images = draw_images(200, [1.0, 0.0, 1.0, 0.0])
    images = images._replace(groups=np.repeat(np.arange(100), 2).astype(str))
    local = fit_local(rows, images)
    scores = local.operating_scores["melanoma"]
    assert len(scores.positive) == scores.positive_lesions < scores.positives
    assert list(scores.positive) == sorted(scores.positive)


def test_lowest_of_lesions():
    assert lowest_of_lesions(np.array([0.5, 0.1, 0.3, 0.2]), np.array(["b", "a", "a", "b"])).tolist() == [1, 3]
