"""Calibration on validation: temperature, bias, prediction sets, OOD threshold, and scores for each number of views."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.inference.prediction import prediction_sets, softmax
from melanoma_detect.inference.runtime import ModelOutputs
from melanoma_detect.inference.test_time_augmentation import run_with_views
from melanoma_detect.training.calibrate import (
    CalibrationInputs,
    calibrate,
    collect_calibration_inputs,
    concatenate_calibration_inputs,
    fit_conformal_threshold,
    fit_feature_space,
    fit_ood_threshold,
)


def calibrate_split(runtime, split, space):
    """Calibrate on a split, as `Detector.fit` does."""
    inputs = collect_calibration_inputs(runtime, split.pixels((32, 32)), space)
    sources = [record.source for record in split.records]
    return calibrate(inputs, split.targets[split.labels], split.groups, split.classes, sources=sources)


def draw_logits(count, confidence, seed=0):
    """Return the logits of a model that is overconfident by a factor, and the labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits)])
    return (logits * confidence).astype(np.float32), labels


def test_operating_scores_use_the_bias(detector, data):
    split = data.validation
    inputs = collect_calibration_inputs(detector.predictor.runtime, split.pixels((32, 32)), None)
    labels_and_groups = (split.targets[split.labels], split.groups, split.classes)
    plain, biased = (calibrate(inputs, *labels_and_groups, bias=use_bias)[1] for use_bias in (False, True))
    assert plain.bias == ()
    scores = biased.probabilities(inputs[1].logits, split.classes)[:, split.classes.index("melanoma")]
    is_melanoma = split.labels == split.classes.index("melanoma")
    np.testing.assert_allclose(biased.operating_scores["melanoma"].positive, np.sort(scores[is_melanoma]))


def test_sources_and_weights_reach_the_calibration(detector, data):
    split = data.validation
    inputs = collect_calibration_inputs(detector.predictor.runtime, split.pixels((32, 32)), None)
    known = (split.targets[split.labels], split.groups, split.classes)
    sources = [f"source {index % 2}" for index in range(len(split))]
    by_source, weighted = (
        calibrate(inputs, *known, sources=sources),
        calibrate(inputs, *known, weights=np.ones(len(split))),
    )
    scores = by_source[1].operating_scores["malignant"]
    assert set(scores.by_source) == {"source 0", "source 1"}
    assert sorted(score for own in scores.by_source.values() for score in own) == list(scores.positive)
    assert sum(scores.lesions_by_source.values()) >= scores.positive_lesions
    assert weighted == calibrate(inputs, *known)
    uneven = calibrate(inputs, *known, weights=np.arange(len(split), dtype=float))
    assert uneven[1].temperature != weighted[1].temperature


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_prediction_sets_have_the_requested_coverage(coverage):
    contained = []
    for seed in range(40):
        logits, labels = draw_logits(500, 2.0, seed=seed)
        rows = softmax(logits)
        threshold = fit_conformal_threshold(rows[:200], labels[:200], coverage)
        contained.append(prediction_sets(rows[200:], threshold)[np.arange(300), labels[200:]].mean())
    assert coverage - 0.01 < np.mean(contained) < coverage + 0.02


def test_prediction_sets_hold_every_class_with_too_few_images():
    rows, labels = softmax(draw_logits(8, 1.0)[0]), draw_logits(8, 1.0)[1]
    assert fit_conformal_threshold(rows, labels, 0.9) == 0
    assert fit_conformal_threshold(rows, labels, 0.8) > 0


def test_ood_threshold_accepts_unseen_images():
    rng = np.random.default_rng(1)
    accepted = [(rng.normal(size=2000) <= fit_ood_threshold(rng.normal(size=400), 400)).mean() for _ in range(60)]
    assert np.mean(np.array(accepted) >= 0.95) > 0.85
    assert fit_ood_threshold(np.empty(0), 0) == float("inf")


def test_ood_threshold_holds_for_each_source():
    rng = np.random.default_rng(1)
    near, far = rng.normal(1, 0.1, 900), rng.normal(2, 0.1, 100)
    distances, sources = np.r_[near, far], ["near"] * 900 + ["far"] * 100
    pooled, threshold = fit_ood_threshold(distances, 1000), fit_ood_threshold(distances, 1000, sources)
    assert (far > pooled).mean() > 0.3
    assert (far > threshold).mean() <= 0.05
    # Each image of eight views: the sources repeat, view by view.
    assert fit_ood_threshold(np.tile(distances, 8), 1000, sources) == pytest.approx(threshold, rel=1e-3)


def test_sources_may_be_an_array():
    distances, sources = np.r_[np.linspace(0, 1, 900), np.linspace(1, 2, 100)], ["near"] * 900 + ["far"] * 100
    assert fit_ood_threshold(distances, 1000, np.array(sources)) == fit_ood_threshold(distances, 1000, sources)
    logits, targets = np.random.default_rng(2).normal(size=(1000, 2)), np.eye(2, dtype=bool)[np.arange(1000) % 2]
    inputs, lesions = (
        {1: CalibrationInputs(logits.astype(np.float32), distances)},
        [str(index) for index in range(1000)],
    )
    fitted = [
        calibrate(inputs, targets, lesions, ("nevus", "melanoma"), sources=own) for own in (sources, np.array(sources))
    ]
    assert fitted[0] == fitted[1]


def test_small_sources_do_not_decide_the_ood_threshold():
    distances = np.r_[np.linspace(0, 1, 1000), np.full(20, 9.0)]
    sources = ["large"] * 1000 + ["small"] * 20
    assert fit_ood_threshold(distances, 1000, sources) == fit_ood_threshold(distances, 1000)
    assert fit_ood_threshold(distances, 1000, ["one"] * 1020) == fit_ood_threshold(distances, 1000)


def test_the_feature_space_knows_drawn_outliers_and_further_ones(detector, data):
    runtime, pixels = detector.predictor.runtime, data.train.pixels((32, 32))
    drawn = fit_feature_space(runtime, pixels).outliers
    further = fit_feature_space(runtime, pixels, np.full((40, 32, 32, 3), 255, np.uint8)).outliers
    white = runtime.run(np.full((1, 32, 32, 3), 255, np.uint8)).features
    assert drawn.position(runtime.run(pixels).features).mean() == pytest.approx(0, abs=0.01)
    assert further.position(white) > drawn.position(white)
    assert fit_feature_space(runtime, pixels[:5]) is None


def test_each_number_of_views_has_its_own_calibration(detector, data):
    calibrations = calibrate_split(detector.predictor.runtime, data.validation, detector.predictor.files.feature_space)
    assert calibrations == detector.predictor.config.calibrations
    one, four, eight = (calibrations[count] for count in (1, 4, 8))
    assert len({views.operating_scores["melanoma"].positive for views in (one, four, eight)}) == 3
    logits = detector.predictor.runtime.run(data.validation.pixels((32, 32))).logits
    melanoma = softmax(logits / one.temperature)[:, data.classes.index("melanoma")]
    is_melanoma = data.validation.labels == data.classes.index("melanoma")
    np.testing.assert_allclose(one.operating_scores["melanoma"].positive, np.sort(melanoma[is_melanoma]), atol=1e-6)


def test_coarse_label_of_both_kinds_is_left_out(detector, data):
    coarse = {"melanoma or nevus": ("melanoma", "nevus"), "nevus or dermatofibroma": ("nevus", "dermatofibroma")}
    records = [
        replace(record, label="melanoma or nevus" if record.label == "melanoma" else "nevus or dermatofibroma")
        if record.label in ("melanoma", "nevus")
        else record
        for record in data.validation
    ]
    split = replace(data.validation, records=tuple(records), label_groups=coarse)
    calibration = calibrate_split(detector.predictor.runtime, split, None)[1]
    assert "melanoma" not in calibration.operating_scores
    nevi = sum(record.label == "nevus or dermatofibroma" for record in records)
    malignant = calibration.operating_scores["malignant"]
    assert malignant.positives + malignant.negatives == len(records) - sum(
        record.label == "melanoma or nevus" for record in records
    )
    assert nevi
    assert calibration.ood_threshold == float("inf")


def test_distances_of_several_parts_stand_view_by_view():
    def part(images, first):
        distances = (10.0 * np.arange(8)[:, None] + first + np.arange(images)).reshape(-1)
        return {1: CalibrationInputs(np.zeros((images, 2), np.float32), distances)}

    joined = concatenate_calibration_inputs([part(3, 0), part(2, 3)])[1]
    np.testing.assert_array_equal(joined.distances.reshape(8, 5), 10 * np.arange(8)[:, None] + np.arange(5))
    chosen = np.arange(5) == 4
    np.testing.assert_array_equal(joined.select(chosen).distances, 10 * np.arange(8) + 4)
    assert joined.image_types is joined.select(chosen).image_types is None


class Asymmetric:
    """A runtime whose feature tells whether an image is brighter on its left than on its right."""

    def run(self, pixels):
        """Run on uint8 images `(n, height, width, 3)`."""
        columns = pixels.mean(axis=(1, 3)).astype(np.float32)
        left = columns[:, :4].mean(axis=1) - columns[:, -4:].mean(axis=1)
        return ModelOutputs(np.stack([left, -left], axis=1), np.stack([left, np.full_like(left, 50)], axis=1))


def test_the_type_is_recognised_with_as_many_views_as_in_use():
    pixels = np.full((70, 8, 8, 3), 100, np.uint8)
    pixels[::2, :, :4] = 200
    classifier = ImageTypeClassifier(np.array([1, -0.1], np.float32), 0.0)
    inputs = collect_calibration_inputs(Asymmetric(), pixels, None, classifier)
    for count, own in inputs.items():
        outputs = run_with_views(Asymmetric(), pixels, count)
        assert own.image_types.tolist() == classifier.types(outputs.features).tolist()
    # Mirrored views cancel what tells the types apart.
    assert (inputs[1].image_types == "clinical").sum() == 35
    assert (inputs[4].image_types == "clinical").sum() == 0
    chosen = np.arange(70) < 3
    assert inputs[1].select(chosen).image_types.tolist() == ["clinical", "dermoscopy", "clinical"]
