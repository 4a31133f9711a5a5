"""Localising a detector: the whole verb, on drawn lesions."""

import warnings
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

import melanoma_detect as md
import melanoma_detect.training.localize as module
from melanoma_detect.errors import DataWarning, DetectorError, DetectorWarning
from melanoma_detect.images.quality import rejection_reasons, sharpness_and_brightness
from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.inference.localization import BEFORE_LOCALIZATION
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.training.localize import localize

CLASSES = ("melanoma", "basal cell carcinoma", "nevus", "dermatofibroma")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """Load a clinic's own images: nevi are common there."""
    folder = tmp_path_factory.mktemp("localize") / "clinic"
    md.write_samples(folder, train=20, test=2, size=32, seed=9, classes=CLASSES)
    return md.load_dataset(folder, validation=0, image_size=(32, 32))


@pytest.fixture(scope="module")
def localized(detector, clinic):
    return detector.localize(clinic, seed=1)


def test_model_is_shared_and_the_detector_stays_as_it_was(detector, localized):
    assert localized.predictor.runtime is detector.predictor.runtime
    assert detector.predictor.config.localizations == ()
    assert detector.predictor.config.calibration(1).local is None


def test_every_number_of_views_is_calibrated(detector, localized):
    calibrations = localized.predictor.config.calibrations
    assert list(calibrations) == list(detector.predictor.config.calibrations)
    assert all(calibration.local is not None for calibration in calibrations.values())


def test_record_says_where_it_comes_from(localized, clinic):
    [record] = localized.predictor.config.localizations
    assert (record["images"], record["lesions"]) == (80, len(set(clinic.train.groups)))
    assert record["melanoma_lesions"] == len({r.group for r in clinic.train if r.label == "melanoma"})
    assert (record["data"], record["parent"]["title"]) == ("clinic", "cnn: 9 classes at 32×32")
    assert len(record["parent"]["sha256"]) == 64


def test_what_the_number_supports_is_set_and_the_rest_refused(localized):
    [record] = localized.predictor.config.localizations
    assert any(
        sentence.startswith("alert from") and "60% sensitivity for melanoma" in sentence for sentence in record["set"]
    )
    assert any("99% coverage: they take 99 lesions" in sentence for sentence in record["refused"])
    assert localized.operating_point.local


def with_one_melanoma(detector, clinic, choose):
    """Return a clinic's images with the one melanoma that is chosen by its probability."""
    scores = detector.predictor.predict_batch(clinic.train.pixels()).melanoma
    melanomas = [row for row, record in enumerate(clinic.train) if record.label == "melanoma"]
    kept = clinic.train.records[melanomas[choose(scores[melanomas])]]
    records = [record for record in clinic.records if record.label != "melanoma" or record.split == "test"]
    return clinic.with_records([*records, kept])


def test_melanoma_that_the_earlier_threshold_misses_lowers_it(detector, clinic):
    localized = detector.localize(with_one_melanoma(detector, clinic, np.argmin))
    [record] = localized.predictor.config.localizations
    assert any("60% sensitivity for melanoma: it takes 2" in sentence for sentence in record["refused"])
    assert any("since it is lower than the earlier one" in sentence for sentence in record["refused"])
    assert localized.operating_point.threshold == localized.at(sensitivity=0.5).operating_point.threshold


def test_too_few_melanomas_keep_the_earlier_threshold(detector, clinic):
    localized = detector.localize(with_one_melanoma(detector, clinic, np.argmax))
    [record] = localized.predictor.config.localizations
    assert any(
        "60% sensitivity for melanoma: it takes 2 melanomas of different lesions, and there is 1 (1 supports"
        in sentence
        for sentence in record["refused"]
    )
    assert not localized.operating_point.local
    split = clinic.test
    before, after = (each.predictor.predict_batch(split.pixels()) for each in (detector, localized))
    np.testing.assert_array_equal(before.alert, after.alert)
    assert not np.allclose(before.melanoma, after.melanoma)


def test_figures_before_are_those_of_the_detector(detector, localized, clinic):
    figures = localized.predictor.config.localizations[0]["before"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluation = detector.evaluate(clinic.train)
    assert figures["ece"]["value"] == pytest.approx(evaluation.figures["ece"].value)
    assert figures["brier"]["value"] == pytest.approx(evaluation.figures["brier"].value)


def test_test_split_stays_unused_and_the_others_count_as_seen(localized, clinic):
    seen = localized.predictor.files.fingerprint()
    assert not seen.contains(clinic.test.records).any()
    with pytest.warns(DataWarning, match="80 images of the train split are set aside"), pytest.raises(DetectorError):
        localized.evaluate(clinic.train)


def test_saved_and_loaded_it_is_the_same(localized, clinic):
    localized.save("local.detector")
    loaded = md.Detector.load("local.detector")
    assert loaded.predictor.config == localized.predictor.config
    assert loaded.predictor.files.fingerprint() == localized.predictor.files.fingerprint()
    np.testing.assert_allclose(
        loaded.predictor.probabilities(clinic.test.pixels()), localized.predictor.probabilities(clinic.test.pixels())
    )


def test_model_card_has_both_sets_of_figures(localized):
    card = localized.model_card
    assert "## Local calibration\n\nCalibrated on 80 images of" in card
    assert "| metric | before | after |" in card
    assert "by the ranks of" in card
    assert "ROC AUC on these images, which localising does not change: melanoma " in card


def test_name_says_where_it_was_localised(detector, localized, clinic):
    assert detector.predictor.config.name == "cnn"
    assert repr(localized) == "<Detector cnn, localised on clinic: 9 classes at 32×32>"
    assert localized.model_card.startswith("# Model card: cnn, localised on clinic\n")


def test_swapped_labels_are_an_error(detector, tmp_path):
    md.write_samples(tmp_path / "clinic", train=40, size=32, seed=9, classes=["melanoma", "nevus"])
    split = md.load_dataset(tmp_path / "clinic", validation=0, image_size=(32, 32)).train
    swapped = relabel(split, {"melanoma": "nevus", "nevus": "melanoma"})
    with pytest.raises(
        DetectorError,
        match=r"labels are probably swapped|labels melanoma and nevus seem to be swapped",
    ):
        detector.localize(swapped)


def test_data_that_is_all_test_is_an_error(detector, tmp_path):
    md.write_samples(tmp_path / "new", train=15, size=32, seed=3, classes=CLASSES)
    with pytest.raises(DetectorError, match="all 60 images are in the test split"):
        detector.localize(md.load_dataset(tmp_path / "new" / "Train", validation=0, test=1, image_size=(32, 32)))


def test_images_of_training_are_set_aside(detector, data, clinic):
    both = replace(clinic.train, records=(*clinic.train.records, *data.train.records[:3]), classes=data.classes)
    with pytest.warns(DataWarning, match="3 of 83 images are set aside"):
        localized = detector.localize(both)
    assert localized.predictor.config.localizations[0]["images"] == 80


def test_wrong_data_is_an_error(detector, clinic):
    split = clinic.train
    with pytest.raises(DetectorError, match=r"40 images are left .* at least 50"):
        detector.localize(replace(split, records=split.records[:40]))
    with pytest.raises(DetectorError, match="a list; expected a Dataset"):
        detector.localize([])
    with pytest.raises(DetectorError, match=r"sensitivity=1\.0"):
        detector.localize(split, sensitivity=1.0)


def relabel(split, names):
    """Rename labels."""
    records = tuple(replace(record, label=names.get(record.label, record.label)) for record in split.records)
    return replace(split, records=records, classes=tuple(names.get(label, label) for label in split.classes))


def test_labels_that_the_detector_does_not_know(detector, clinic):
    strange = relabel(clinic.train, dict(zip(CLASSES, ("cat", "dog", "cow", "pig"), strict=True)))
    with pytest.raises(DetectorError, match=r"does not know the classes .*cat"):
        detector.localize(strange)
    same = relabel(clinic.train, dict.fromkeys(CLASSES, "nevus"))
    with pytest.raises(DetectorError, match="all 80 images are labelled nevus"):
        detector.localize(replace(same, classes=("nevus",)))


def test_sensitivity_that_nothing_supports_is_an_error(detector, clinic):
    with pytest.raises(
        DetectorError, match=r"0\.995 sensitivity for melanoma .* with 199 local melanomas .* there are \d+"
    ):
        detector.localize(clinic, sensitivity=0.995)


def test_detector_without_a_threshold_that_gets_none_is_a_warning(detector, clinic):
    predictor = detector.predictor
    settings = replace(predictor.settings, sensitivity=0.995)
    refers_all = Predictor(predictor.config, predictor.runtime, predictor.files, settings)
    with pytest.warns(DetectorWarning, match="until then the detector refers every image"):
        localized = localize(refers_all, clinic)
    assert localized.operating_point is None
    [record] = localized.config.localizations
    assert {"ece", "brier", "coverage"} == set(record["before"]) == set(record["after"])


def test_a_threshold_that_is_new_has_figures_after_only(detector, clinic):
    predictor = detector.predictor
    without = {views: replace(own, operating_scores={}) for views, own in predictor.config.calibrations.items()}
    refers_all = Predictor(replace(predictor.config, calibrations=without), predictor.runtime, predictor.files)
    localized = localize(refers_all, clinic)
    [record] = localized.config.localizations
    assert "sensitivity" not in record["before"]
    assert record["after"]["sensitivity"]["value"] > 0
    assert "| specificity | – | " in md.Detector(localized.config, localized.runtime, localized.files).model_card


def test_the_target_is_for_the_local_images_to_support_too(detector, clinic):
    predictor = detector.predictor
    calibrations = {}
    for views, own in predictor.config.calibrations.items():
        scores = {"melanoma": own.operating_scores["melanoma"]}  # of malignant lesions, validation showed too few
        calibrations[views] = replace(own, operating_scores=scores)
    few = Predictor(replace(predictor.config, calibrations=calibrations), predictor.runtime, predictor.files)
    with pytest.raises(DetectorError, match="no operating point for malignant"):
        few.at(target="malignant")
    localized = localize(few, clinic, target="malignant")
    assert (localized.operating_point.target, localized.operating_point.local) == ("malignant", True)
    assert localized.config.localizations[0]["target"] == "malignant"
    with pytest.raises(DetectorError, match="target='nevus'; expected one of melanoma, malignant"):
        localize(few, clinic, target="nevus")


def test_images_that_are_not_judged_are_left_out(detector, clinic):
    predictor = detector.predictor
    pixels = clinic.train.pixels(predictor.image_size)
    darkest = float(np.sort(sharpness_and_brightness(pixels)[1])[5])
    limited = replace(predictor.config, input_limits=replace(predictor.config.input_limits, dark=darkest))
    count = sum(bool(reason) for reason in rejection_reasons(pixels, None, limited.input_limits))
    assert 0 < count <= 10
    with pytest.warns(DataWarning, match=r"images are left out that the detector does not judge: .* \(\d+\)"):
        localized = localize(Predictor(limited, predictor.runtime, predictor.files), clinic)
    [record] = localized.config.localizations
    assert (record["images"], record["rejected"]) == (80 - count, count)


def test_parent_of_the_second_is_the_first(detector, clinic, tmp_path):
    detector.save(tmp_path / "cnn.detector")
    loaded = md.Detector.load(tmp_path / "cnn.detector")
    folder = md.write_samples(tmp_path / "later", train=14, size=32, seed=10, classes=CLASSES)
    first = localize(loaded.predictor, clinic)
    second = localize(first, md.load_dataset(folder, validation=0, image_size=(32, 32)))
    original, own = (record["parent"]["sha256"] for record in second.config.localizations)
    assert original == sha256((tmp_path / "cnn.detector").read_bytes()).hexdigest()
    assert own not in (original, sha256(first.files.onnx).hexdigest())
    assert first.files.path is None
    assert second.config.calibration(1).local.first == first.config.calibration(1).local


def test_metrics_of_before_are_marked(detector, clinic):
    measured = detector.predictor.with_metrics({"test": {"images": 36}})
    localized = localize(measured, clinic)
    assert localized.config.metrics["test"] == {"images": 36, BEFORE_LOCALIZATION: True}
    assert localized.with_metrics({"test": {"images": 3}}).config.metrics["test"] == {"images": 3}


def test_evaluation_clears_what_predictions_clear(localized, clinic):
    evaluation = localized.evaluate(clinic.test)
    decisions = [prediction.decision for prediction in localized.predict(clinic.test)]
    cleared = evaluation.per_image.cleared(localized.operating_point)
    assert cleared.tolist() == [decision == "clear" for decision in decisions]


def with_types(detector, referred=()):
    """Return a predictor that takes half of the images for clinical photographs, each type with its own calibration."""
    predictor = detector.predictor
    weights = np.zeros(128, np.float32)
    weights[0] = 1
    config = replace(predictor.config, clinical=predictor.config.calibrations, referred_types=referred)
    return Predictor(config, predictor.runtime, replace(predictor.files, image_types=ImageTypeClassifier(weights, 1.0)))


def test_one_type_of_image_changes_its_own_calibration_only(detector, clinic):
    predictor = with_types(detector)
    localized = localize(predictor, clinic)
    assert localized.config.clinical[1].local is not None
    assert localized.config.calibrations == predictor.config.calibrations
    assert localized.config.localizations[0]["image_type"] == "clinical"
    assert localized.operating_point is not None


def types_by_views(monkeypatch, choose):
    """Let `choose` tell the type of each image, for a number of views and a number of images."""
    collect = module.collect_calibration_inputs

    def collect_types(*arguments):
        inputs = collect(*arguments)
        return {views: own._replace(image_types=choose(views, len(own.logits))) for views, own in inputs.items()}

    monkeypatch.setattr(module, "collect_calibration_inputs", collect_types)


def test_each_number_of_views_recognises_types_for_itself(detector, clinic, monkeypatch):
    def one_mistake_with_four_views(views, count):
        return np.where((np.arange(count) == 5) & (views == 4), "dermoscopy", "clinical")

    types_by_views(monkeypatch, one_mistake_with_four_views)
    localized = localize(with_types(detector), clinic)
    scores = [localized.config.clinical[views].local.operating_scores["melanoma"] for views in (1, 4, 8)]
    assert [own.positives + own.negatives for own in scores] == [80, 79, 80]


def test_a_type_with_one_label_only_changes_nothing(detector, clinic, monkeypatch):
    records = sorted(clinic.train, key=lambda record: record.label == "melanoma")
    nevi = [replace(record, label="nevus") for record in records[:60]]
    mixed = replace(clinic.train, records=(*nevi, *records[60:]))
    types_by_views(monkeypatch, lambda views, count: np.where(np.arange(count) < 60, "clinical", "dermoscopy"))
    with (
        pytest.warns(
            DataWarning,
            match=r'60 images were taken for clinical .*image_type="dermoscopy".*: their labels are all the same',
        ),
        pytest.warns(
            DataWarning, match=r"20 images were taken for dermoscopy images and change nothing .*: it takes 50"
        ),
        pytest.raises(DetectorError, match="of no type of image"),
    ):
        localize(with_types(detector), mixed)


def test_type_that_the_detector_refers_changes_nothing(detector, clinic):
    with (
        pytest.warns(
            DataWarning, match=r"80 images were taken for clinical photographs .*: the detector refers them all"
        ),
        pytest.raises(DetectorError, match="of no type of image"),
    ):
        localize(with_types(detector, ("clinical",)), clinic)


def test_threshold_that_does_not_hold_here_is_a_warning(detector, clinic):
    # The melanomas are too few for 99 %.
    with pytest.warns(
        DetectorWarning, match=r"earlier threshold was set for 99% sensitivity, but of .* it finds .* lower"
    ):
        localize(_with_many_melanomas(detector.predictor), clinic.train, sensitivity=0.99)


def _with_many_melanomas(predictor):
    """Return a predictor whose validation supports 99 % sensitivity, at a threshold that nothing reaches."""
    calibrations = {}
    for views, calibration in predictor.config.calibrations.items():
        scores = calibration.operating_scores["melanoma"]
        many = replace(scores, positive=(0.99,) * 99, positives=99, positive_lesions=99)
        calibrations[views] = replace(calibration, operating_scores={**calibration.operating_scores, "melanoma": many})
    return Predictor(replace(predictor.config, calibrations=calibrations), predictor.runtime, predictor.files)
