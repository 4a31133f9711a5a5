"""References: what a detector stores of validation, by type of image and after a local calibration."""

from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.monitoring.reference import baseline_reference, validation_reference
from melanoma_detect.monitoring.samples import Samples, Statistic


def test_each_type_of_image_has_its_own_scores(two_types):
    reference = validation_reference(two_types().predictor)
    assert set(map(str, reference.values)) == {"melanoma (dermoscopy)", "melanoma (clinical)"}
    assert set(reference.labelled) == {"dermoscopy", "clinical"}
    assert reference.labelled["clinical"].point.threshold == pytest.approx(0.3, abs=0.01)


def test_the_default_detector_has_a_reference():
    reference = validation_reference(md.Detector.load().predictor)
    abstained = reference.values[Statistic("abstained")]
    assert 0 < abstained.mean() < 0.1
    assert len(reference.values) == 5


def test_a_local_calibration_moves_the_scores(two_types):
    detector = two_types()
    calibration = detector.predictor.config.calibrations[1]
    local = replace(calibration, local=LocalCalibration(melanoma=LogOddsLine(intercept=1.0)))
    config = replace(detector.predictor.config, calibrations={1: local})
    moved = validation_reference(type(detector.predictor)(config, detector.predictor.runtime, detector.predictor.files))
    plain = validation_reference(detector.predictor)
    statistic = Statistic("melanoma", "dermoscopy")
    assert np.all(moved.values[statistic] > plain.values[statistic])


def test_a_detector_without_validation_scores_needs_a_baseline(two_types):
    from melanoma_detect.inference.calibration import Calibration

    bare = two_types(calibrations={1: Calibration(conformal_thresholds={0.9: 0.1})}, clinical={})
    with pytest.raises(DetectorError, match="pass baseline="):
        validation_reference(bare.predictor)
    block = Samples("monday", values={Statistic("melanoma"): np.array([0.1])})
    assert baseline_reference([block, block], None).values[Statistic("melanoma")].tolist() == [0.1, 0.1]
