"""A run is continued by the same detector only."""

from dataclasses import replace

import numpy as np

import melanoma_detect as md
from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.scoring.detector_identity import identify_detector


def test_the_classifier_of_image_types_is_part_of_a_detector(two_types):
    predictor = two_types().predictor
    other = ImageTypeClassifier(np.array([1, -0.9], np.float32), 0.0)
    changed = md.Detector(predictor.config, predictor.runtime, replace(predictor.files, image_types=other)).predictor
    assert identify_detector(predictor) == identify_detector(two_types().predictor)
    assert identify_detector(predictor)["card"] != identify_detector(changed)["card"]


def test_settings_are_part_of_a_detector(detector):
    other = detector.at(coverage=0.99)
    assert identify_detector(detector.predictor)["card"] != identify_detector(other.predictor)["card"]
