"""Fixtures: a detector without training or Keras, and folders of grey images."""

import time

import numpy as np
import pytest

from melanoma_detect.detector import Detector
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.operating_points import ValidationScores
from melanoma_detect.inference.runtime import ModelOutputs


class BrightnessRuntime:
    """A runtime whose last class is the more probable, the brighter the image is."""

    name = "brightness"

    def __init__(self, classes, scale=0.1, pause=0.0):
        self.classes, self.scale, self.pause = classes, scale, pause

    def run(self, pixels):
        time.sleep(self.pause)
        means = pixels.mean(axis=(1, 2, 3), dtype=np.float64)
        logits = np.zeros((len(pixels), self.classes), np.float32)
        logits[:, -1] = self.scale * (means - 128)
        return ModelOutputs(logits, logits)


def scores_around(threshold):
    """Return validation scores at which every operating point has this threshold."""
    above, below = (threshold + 0.001,) * 100, (threshold - 0.001,) * 100
    return ValidationScores(above, below, 100, 100, 100, 100)


@pytest.fixture
def make_detector():
    """Return a function that makes detectors which judge images by their brightness."""

    def make(classes=("nevus", "melanoma"), *, threshold=0.5, size=8, scale=0.1):
        scores = {} if threshold is None else {"melanoma": scores_around(threshold)}
        config = DetectorConfig(tuple(classes), (size, size), calibrations={1: Calibration(operating_scores=scores)})
        return Detector(config, BrightnessRuntime(len(classes), scale))

    return make


@pytest.fixture
def make_images(tmp_path):
    """Return a function that writes images of one grey level each: `make_images({"a.png": 10, ...})`."""
    from PIL import Image

    def make(values, folder="images"):
        for name, value in values.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (value,) * 3).save(path, format="PNG")
        return tmp_path / folder

    return make
