"""Types of image in training: the classifier, and a calibration for each type."""

from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.runtime import ModelOutputs
from melanoma_detect.inference.test_time_augmentation import run_with_views
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.training import image_types
from melanoma_detect.training.calibrate import calibrate, collect_calibration_inputs
from melanoma_detect.training.fit import assemble_detector
from melanoma_detect.training.image_types import (
    calibrate_by_type,
    fit_classifier,
    fit_classifier_of_split,
    fit_image_types,
    recorded_types,
)

SIDE = 32


def photograph(label, seed):
    """Draw a clinical photograph: a small lesion on much skin, in uneven light."""
    rng = np.random.default_rng(seed)
    lesion = md.draw_lesion(label, seed=seed, size=SIDE).pixels[::3, ::3].astype(np.float64)
    skin = np.full((SIDE, SIDE, 3), (215.0, 165.0, 140.0)) + rng.normal(0, 4, (SIDE, SIDE, 1))
    top, left = rng.integers(4, SIDE - len(lesion) - 4, 2)
    skin[top : top + len(lesion), left : left + len(lesion)] = lesion
    light = np.linspace(0.55, 1.15, SIDE)[:: rng.choice([-1, 1]), None, None]
    return np.clip(skin * light, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write 240 images, half of them clinical photographs, with a table that says so as the ISIC archive does."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("both")
    rows = ["image,diagnosis,image_type"]
    for seed in range(240):
        label = ("melanoma", "nevus")[seed % 2]
        clinical = seed % 4 >= 2
        pixels = photograph(label, seed) if clinical else md.draw_lesion(label, seed=seed, size=SIDE).pixels
        Image.fromarray(pixels).save(folder / f"{seed:03d}.png")
        rows.append(f"{seed:03d},{label},{'clinical: close-up' if clinical else 'dermoscopic'}")
    (folder / "metadata.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def both(folder):
    return md.load_dataset(folder, image_size=(SIDE, SIDE))


@pytest.fixture(scope="module")
def trained(both):
    model = md.build_model("cnn", num_classes=2, input_shape=(SIDE, SIDE, 3))
    return md.Detector.fit(model, both, epochs=2, sensitivity=0.6, progress=False)


def is_clinical(split):
    return np.array([record.metadata["image_type"].startswith("clinical") for record in split])


def test_the_detector_recognises_the_type_by_itself(trained, both):
    assert trained.predictor.image_types == ("dermoscopy", "clinical")
    types = [prediction.image_type for prediction in trained.predict(both.test)]
    assert np.mean((np.array(types) == "clinical") == is_clinical(both.test)) > 0.9


def test_each_type_is_calibrated_on_its_own_validation_images(trained, both):
    config, validation, runtime = trained.predictor.config, both.validation, trained.predictor.runtime
    collected = collect_calibration_inputs(runtime, validation.pixels(), trained.predictor.files.feature_space)
    for views in (1, 4, 8):
        features = run_with_views(runtime, validation.pixels(), views).features
        recognised = trained.predictor.files.image_types.types(features)
        assert np.mean((recognised == "clinical") == is_clinical(validation)) > 0.9
        for calibrations, chosen in (
            (config.clinical, recognised == "clinical"),
            (config.calibrations, recognised == "dermoscopy"),
        ):
            own = replace(validation, records=tuple(np.array(validation.records, object)[chosen]))
            inputs = {views: collected[views].select(chosen)}
            sources = [record.source for record in own]
            expected = calibrate(inputs, own.targets[own.labels], own.groups, own.classes, sources=sources)
            assert calibrations[views] == expected[views]
            scores = calibrations[views].operating_scores["melanoma"]
            assert scores.positives + scores.negatives == chosen.sum() >= 20
    assert config.clinical != config.calibrations


def test_it_is_saved_and_evaluated_with_both_types(trained, both, tmp_path):
    trained.save(tmp_path / "both.detector")
    loaded = md.Detector.load(tmp_path / "both.detector")
    assert loaded.predictor.config == trained.predictor.config
    kept, own = loaded.predictor.files.image_types, trained.predictor.files.image_types
    np.testing.assert_array_equal(kept.weights, own.weights)
    assert (kept.bias, kept.weights.dtype) == (own.bias, np.float32)
    predictions, expected = loaded.predict(both.test), trained.predict(both.test)
    assert [str(one) for one in predictions] == [str(one) for one in expected]
    evaluation = loaded.evaluate(both)
    assert evaluation.decisions.tolist() == [prediction.decision for prediction in predictions]
    assert {subgroup.name for subgroup in evaluation.subgroups() if subgroup.kind == "image type"} == {
        "dermoscopy images",
        "clinical photographs",
    }
    assert "### Clinical photographs" in loaded.model_card


class Features:
    """A runtime whose features tell uneven light from even light."""

    name = "features"

    def __init__(self):
        self.images = 0

    def run(self, pixels):
        """Run on uint8 images `(n, height, width, 3)`."""
        self.images += len(pixels)
        rows = pixels.mean(axis=(2, 3))
        uneven = np.abs(rows[:, :4].mean(axis=1) - rows[:, -4:].mean(axis=1))
        logits = np.stack([rows.mean(axis=1), rows.min(axis=1)], axis=1) / 64
        return ModelOutputs(
            logits.astype(np.float32), np.stack([uneven, np.full_like(uneven, 50)], 1, dtype=np.float32)
        )


def test_validation_images_count_as_the_type_that_is_recognised(both):
    validation, pixels = both.validation, both.validation.pixels()
    classifier = fit_classifier(Features(), both.train.pixels(), recorded_types(both.train), seed=1)
    recognised = classifier.types(Features().run(pixels).features)
    assert np.mean((recognised == "clinical") == is_clinical(validation)) > 0.9
    records = tuple(replace(record, metadata={"image_type": "dermoscopic"}) for record in validation)
    fitted = calibrate_by_type(Features(), None, classifier, replace(validation, records=records), pixels)
    assert (fitted.image_types, fitted.referred_types) == (classifier, ())
    for calibrations, name in ((fitted.calibrations, "dermoscopy"), (fitted.clinical, "clinical")):
        scores = calibrations[1].operating_scores["melanoma"]
        assert scores.positives + scores.negatives == (recognised == name).sum()


def test_of_a_type_that_validation_hardly_shows_every_image_is_referred(both):
    classifier = fit_image_types(Features().run(both.train.pixels()).features, is_clinical(both.train))
    types = classifier.types(Features().run(both.validation.pixels()).features)
    for few in ("clinical", "dermoscopy"):
        rows = np.sort(np.concatenate([np.flatnonzero(types == few)[:19], np.flatnonzero(types != few)]))
        split = replace(both.validation, records=tuple(both.validation.records[row] for row in rows))
        with pytest.warns(DataWarning, match=r"validation shows 19 .*, too few .* at least 20\): .* refers every one"):
            fitted = calibrate_by_type(Features(), None, classifier, split, split.pixels())
        assert fitted.referred_types == (few,)
        assert bool(fitted.clinical) == (few == "dermoscopy")
        # The calibration of the other type is not mixed; that of all images stands for dermoscopy if that is the rare one.
        counts = {name: (types[rows] == name).sum() for name in ("dermoscopy", "clinical")}
        assert images(fitted.calibrations) == (len(rows) if few == "dermoscopy" else counts["dermoscopy"])
        if few == "dermoscopy":
            assert images(fitted.clinical) == counts["clinical"]


def images(calibrations):
    """Return how many images the operating points rest on."""
    scores = calibrations[1].operating_scores["melanoma"]
    return scores.positives + scores.negatives


def test_too_few_of_both_types_are_not_told_apart(both):
    classifier = fit_image_types(Features().run(both.train.pixels()).features, is_clinical(both.train))
    types = classifier.types(Features().run(both.validation.pixels()).features)
    rows = np.sort(np.concatenate([np.flatnonzero(types == name)[:19] for name in ("clinical", "dermoscopy")]))
    split = replace(both.validation, records=tuple(both.validation.records[row] for row in rows))
    message = "validation shows 19 dermoscopy images and 19 clinical .* does not tell the types apart"
    with pytest.warns(DataWarning, match=message):
        fitted = calibrate_by_type(Features(), None, classifier, split, split.pixels())
    assert (fitted.image_types, fitted.referred_types, fitted.clinical) == (None, (), {})
    scores = fitted.calibrations[1].operating_scores["melanoma"]
    assert scores.positives + scores.negatives == 38


def test_each_view_of_a_validation_image_is_run_once(both):
    validation, pixels = both.validation, both.validation.pixels()
    classifier = fit_classifier(Features(), both.train.pixels(), recorded_types(both.train), seed=1)
    runtime = Features()
    calibrate_by_type(runtime, None, classifier, validation, pixels)
    assert runtime.images == 8 * len(pixels)


def test_fewer_than_fifty_images_of_a_type_make_no_classifier(both):
    pixels, types = both.train.pixels(), recorded_types(both.train)
    clinical = np.flatnonzero(types == "clinical")
    own = [np.where(np.isin(np.arange(len(types)), clinical[count:]), "", types) for count in (0, 49, 50)]
    assert fit_classifier(Features(), pixels, own[0], seed=1) is None
    with pytest.warns(
        DataWarning, match=r"training images show \d+ dermoscopy images and 49 clinical photographs, too few"
    ):
        assert fit_classifier(Features(), pixels, own[1], seed=1) is None
    assert fit_classifier(Features(), pixels, own[2], seed=1) is not None


def test_the_rarer_type_is_taken_from_all_training_images(both, monkeypatch):
    """However many images of the other type there are: of each type as many are drawn as the classifier takes."""
    train, runtime = both.train, Features()
    copies = [replace(record, id=f"copy of {record.id}", parent=record.id) for record in train]
    fit_classifier_of_split(runtime, replace(train, records=(*train, *copies)), (SIDE, SIDE), seed=1)
    assert runtime.images == len(train)
    monkeypatch.setattr(image_types, "_MAX_TRAINING", 60)
    runtime = Features()
    classifier = fit_classifier_of_split(runtime, replace(train, records=(*train, *copies)), (SIDE, SIDE), seed=1)
    assert runtime.images == 120
    types = classifier.types(Features().run(train.pixels()).features)
    assert np.mean((types == "clinical") == is_clinical(train)) > 0.9


def test_a_training_takes_its_classifier_from_all_training_images(both, monkeypatch):
    """The feature space learns from a sample, in which the rarer type may be too rare."""
    monkeypatch.setattr("melanoma_detect.training.calibrate._MAX_FEATURE_IMAGES", 20)
    model = md.build_model("cnn", num_classes=2, input_shape=(SIDE, SIDE, 3))
    config = DetectorConfig(both.classes, (SIDE, SIDE), Settings(sensitivity=0.6))
    config, _, files = assemble_detector(model, config, both, fingerprint=TrainingFingerprint(), seed=1)
    assert files.image_types is not None
    assert config.clinical or config.referred_types


def test_the_rarer_type_is_found_too():
    rng = np.random.default_rng(5)
    clinical = np.arange(1000) < 60
    features = rng.normal(size=(1000, 30)).astype(np.float32) + np.float32(2)
    features[clinical, 0] += 3
    types = fit_image_types(features, clinical).types(features)
    assert (types[clinical] == "clinical").mean() > 0.8
    assert (types[~clinical] == "dermoscopy").mean() > 0.8
    with pytest.raises(DetectorError, match="the 1000 images are of one type"):
        fit_image_types(features, np.ones(1000, bool))
