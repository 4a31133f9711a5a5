"""Values without their keyword."""

import inspect

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError


def test_a_value_without_its_keyword_is_named(detector):
    with pytest.raises(DetectorError, match=r"at\(0\.9\): expected a keyword, such as at\(sensitivity=0\.9\)"):
        detector.at(0.9)


def test_help_and_keywords_stay_as_they_are(detector):
    assert list(inspect.signature(md.Detector.at).parameters)[:2] == ["self", "sensitivity"]
    assert detector.at(sensitivity=0.5).operating_point.goal == 0.5
