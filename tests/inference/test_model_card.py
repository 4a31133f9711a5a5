"""The model card."""

from dataclasses import replace

import numpy as np

from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.localization import BEFORE_LOCALIZATION
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.operating_points import ValidationScores


def with_metrics(detector, evaluation):
    return detector.predictor.with_metrics({evaluation.split: evaluation.to_dict()}).config


def test_it_has_what_a_reader_needs(detector, data):
    text = model_card(with_metrics(detector, detector.evaluate(data.test)))
    for expected in (
        "# Model card: cnn",
        "not a medical device",
        "## Intended use",
        "melanoma, nevus",
        f"{len(data.train)} training images; recipe assignment",
        "On 36 test images of",
        "| balanced accuracy | 0.",
        "dark skin",
        "keras ",
    ):
        assert expected in text


def test_the_lowest_recall_comes_first(detector, data):
    found = detector.evaluate(data.test)
    worst = min((figure.value, label) for label, figure in found.recall.items())
    line = next(line for line in model_card(with_metrics(detector, found)).splitlines() if "lowest first" in line)
    assert line.split(": ")[1].startswith(tuple(label for label, one in found.recall.items() if one.value == worst[0]))
    assert line.count("[") == len(data.classes)


def test_it_reports_the_test_for_shortcuts(detector, data):
    found = detector.evaluate(data.test, shortcuts=True)
    assert found.shortcuts.summary in model_card(with_metrics(detector, found))
    assert found.shortcuts.summary not in model_card(with_metrics(detector, detector.evaluate(data.test)))


def test_its_own_operating_point_comes_first_with_predictive_values(detector):
    lines = model_card(detector.predictor.config).splitlines()
    at = lines.index("## Operating points")
    assert lines[at + 2] == f"- {detector.operating_point}."
    assert lines[at + 3].startswith("    - at a prevalence of 1.00%: ")
    assert sum("not offered" in line for line in lines) >= 3
    assert "It was not evaluated before it was saved." in lines


def test_a_detector_without_an_operating_point_has_a_card(detector):
    high = replace(detector.predictor.config, settings=replace(detector.predictor.config.settings, sensitivity=0.95))
    assert (
        "- melanoma, 95% sensitivity: not offered: 0.95 sensitivity for melanoma cannot be set: validation has 2 lesions of "
        "the target and " in (card := model_card(high))
    )
    assert "others; expected at least 19 and one other: choose a sensitivity of at most 0.666, or fit" in card


def localized_config(detector):
    """Return a configuration with a local calibration, whose local melanomas support 90 % sensitivity only."""
    config = detector.predictor.config
    positive = np.arange(140) >= 70
    scores = ValidationScores.of(np.linspace(0.02, 0.98, 140), positive)
    few = ValidationScores.of(np.array([0.3, *[0.9] * 9]), [False] + [True] * 9)
    local = LocalCalibration(LogOddsLine(1.0, -1.0), LogOddsLine(1.0, -1.0), operating_scores={"melanoma": few})
    calibration = Calibration(operating_scores={"melanoma": scores}, local=local)
    settings = replace(config.settings, sensitivity=0.95)
    return replace(config, calibrations={1: calibration}, settings=settings, localizations=(RECORD,))


RECORD = {
    "parent": {"title": "cnn", "sha256": "0" * 64},
    "data": "clinic",
    "images": 60,
    "rejected": 3,
    "lesions": 60,
    "melanoma_lesions": 9,
    "target": "melanoma",
    "set": [],
    "refused": [],
    "before": {},
    "after": {},
}


def test_every_operating_point_of_a_localized_detector_is_the_one_that_it_uses(detector):
    config = localized_config(detector)
    lines = model_card(config).splitlines()
    for sensitivity in (0.9, 0.95):
        point = config.calibration(1).operating_point(sensitivity)
        assert f"- {point}." in lines
        assert f"- {config.calibration(1).operating_scores['melanoma'].operating_point(sensitivity)}." not in lines
    assert "by the ranks of 9 local melanomas" in next(line for line in lines if "90% sensitivity" in line)
    [refused] = [line for line in lines if line.startswith("- melanoma, 99% sensitivity: not offered: ")]
    assert "expected at least 99 and one other" in refused
    assert refused.endswith("with 99 local melanomas it could be set too, and there are 9.")
    assert "malignant (or was before the local calibration), or if" in "\n".join(lines)
    assert "Left out, because the detector does not judge them, such as for blur: 3 images." in lines


def test_metrics_say_whether_they_were_measured_before_the_local_calibration(detector):
    evaluation = {"images": 36, "lesions": 30, "figures": {}}
    config = replace(
        localized_config(detector), metrics={"test": {**evaluation, BEFORE_LOCALIZATION: True}, "later": evaluation}
    )
    lines = model_card(config).splitlines()
    before, after = (next(line for line in lines if f" {split} images of" in line) for split in ("test", "later"))
    assert "before the local calibration and at the thresholds of that time" in before
    assert "local calibration" not in after


def test_the_sensitivity_on_each_source_is_listed(detector):
    positive, sources = np.arange(140) >= 70, np.repeat(["small", "one hospital", "another", "small"], (70, 30, 30, 10))
    scores = ValidationScores.of(np.linspace(0, 1, 140), positive, sources=sources)
    config = detector.predictor.config
    calibration = replace(config.calibration(1), operating_scores={"melanoma": scores})
    settings = replace(config.settings, sensitivity=0.95)
    text = model_card(replace(config, calibrations={1: calibration}, settings=settings))
    point = calibration.operating_point(0.95)
    assert f"on the worst of 2 sources, one hospital, it finds {point.worst_sensitivity:.1%}" in text
    assert f"each source of validation, the lowest first: one hospital {point.worst_sensitivity:.1%} [" in text
    assert "Sources with fewer than 19 lesions of the target show too few to be listed: small (10)." in text


def test_notes_are_listed(detector):
    assert "- licence: research only" in model_card(
        replace(detector.predictor.config, notes={"licence": "research only"})
    )


def test_it_states_the_calibration_of_each_type(two_types, detector):
    text = model_card(two_types().predictor.config)
    dermoscopy, clinical = text.index("### Dermoscopy images"), text.index("### Clinical photographs")
    assert text.index("Temperature 1.000", dermoscopy) < text.index("alert from 0.500", dermoscopy) < clinical
    assert text.index("Temperature 2.000", clinical) < text.index("alert from 0.300", clinical)
    assert "Research and teaching on dermoscopy images and clinical photographs (without a dermatoscope) of" in text
    assert "for photographs without" not in text
    referring = model_card(two_types(clinical={}, referred_types=("clinical",)).predictor.config)
    assert "Always referred: the detector does not judge clinical photographs." in referring
    assert "alert from 0.300" not in referring
    assert "for photographs without a dermatoscope, for mucosa" in referring
    one_type = model_card(detector.predictor.config)
    assert "for photographs without a dermatoscope, for mucosa" in one_type
    assert "###" not in one_type
