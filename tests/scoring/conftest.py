"""A detector that needs no training and no Keras: for tests of what surrounds the model."""

import time

import numpy as np
import pytest

from melanoma_detect.detector import Detector
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.operating_points import ValidationScores
from melanoma_detect.inference.runtime import Outputs


class Brightness:
    """A model of one line: the brighter the image, the surer its last class."""

    name = "brightness"

    def __init__(self, classes, scale=0.1, pause=0.0):
        self.classes, self.scale, self.pause = classes, scale, pause

    def run(self, pixels):
        time.sleep(self.pause)
        means = pixels.mean(axis=(1, 2, 3), dtype=np.float64)
        logits = np.zeros((len(pixels), self.classes), np.float32)
        logits[:, -1] = self.scale * (means - 128)
        return Outputs(logits, logits)


def around(threshold):
    """Validation scores that lie evenly about a threshold, which every operating point then has."""
    above, below = (threshold + 0.001,) * 100, (threshold - 0.001,) * 100
    return ValidationScores(above, below, 100, 100, 100, 100)


@pytest.fixture
def bright():
    """A maker of such detectors."""

    def make(classes=("nevus", "melanoma"), *, threshold=0.5, size=8, scale=0.1):
        scores = {} if threshold is None else {"melanoma": around(threshold)}
        card = DetectorConfig(tuple(classes), (size, size), calibrations={1: Calibration(scores=scores)})
        return Detector(card, Brightness(len(classes), scale))

    return make


@pytest.fixture
def shades(tmp_path):
    """A maker of folders with images of one shade of grey each: `shades({"a.png": 10, ...})`."""
    from PIL import Image

    def make(values, folder="shades"):
        for name, value in values.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (value,) * 3).save(path, format="PNG")
        return tmp_path / folder

    return make
