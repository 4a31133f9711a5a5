"""Tests of the argument `detector` of public functions."""

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.detector_argument import as_predictor


def test_a_detector_and_its_predictor_are_the_same(detector):
    assert as_predictor(detector) is as_predictor(detector.predictor) is detector.predictor


@pytest.mark.parametrize("other", [None, "x.detector", 3, md.Detector])
def test_anything_else_is_refused(other):
    with pytest.raises(DetectorError, match=r"detector=.*; expected a detector, as md\.Detector\.load returns"):
        as_predictor(other)
