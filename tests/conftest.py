"""Fixtures of the tests: the folder of real images, a synthetic image, small folders of images."""

import os
from pathlib import Path

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.files import Files
from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.inference.operating_points import ValidationScores
from melanoma_detect.inference.runtime import ModelOutputs

REAL_DATA = "MELANOMA_DETECT_DATA"


@pytest.fixture(scope="session")
def real_folder():
    """Return the folder of real images; skip the test with a message if the variable is not set."""
    if not os.environ.get(REAL_DATA):
        pytest.skip(f"{REAL_DATA} is not set: no real images")
    folder = Path(os.environ[REAL_DATA]).expanduser()
    folder = folder if folder.is_absolute() else Path(__file__).parents[1] / folder
    if not folder.is_dir():
        pytest.fail(f"{REAL_DATA}={folder} is not a folder")
    return folder


@pytest.fixture
def image():
    """Draw a synthetic melanoma, uint8 (64, 64, 3)."""
    return md.draw_lesion("melanoma", seed=5, size=64).pixels


@pytest.fixture
def tree(tmp_path):
    """Return a function that writes folders: `tree({"Train/nevus": 3, ...})` writes that many different images into each."""

    def make(counts, root="tree"):
        number = 0
        for folder, count in counts.items():
            path = tmp_path / root / folder
            path.mkdir(parents=True, exist_ok=True)
            for _ in range(count):
                number += 1
                save(path / f"image_{number:03d}.png", number)
        return tmp_path / root

    def save(path, seed):
        from PIL import Image

        Image.fromarray(md.draw_lesion("nevus", seed=seed, size=32).pixels).save(path)

    return make


class TwoTypesRuntime:
    """A runtime whose features tell bright images from dark ones, and whose melanoma logit is the blue channel's."""

    name = "two types"

    def run(self, pixels):
        """Run on uint8 images `(n, height, width, 3)`."""
        red, _, blue = np.moveaxis(pixels.mean(axis=(1, 2), dtype=np.float64), -1, 0)
        logits = np.stack([np.zeros(len(pixels)), (blue - 128) / 32], axis=1).astype(np.float32)
        return ModelOutputs(logits, np.stack([red, 255 - red], axis=1).astype(np.float32))


def scores_around(threshold):
    """Return validation scores at which every operating point has this threshold."""
    above, below = (threshold + 0.001,) * 100, (threshold - 0.001,) * 100
    return {"melanoma": ValidationScores(above, below, 100, 100, 100, 100)}


@pytest.fixture
def two_types():
    """Return a function that makes detectors of nevus and melanoma; bright images are clinical photographs to them.

    On dermoscopy they alert from 0.5; on clinical photographs, whose temperature is 2, from 0.3.
    """

    def make(**changes):
        dermoscopy = Calibration(operating_scores=scores_around(0.5), conformal_thresholds={0.9: 0.1})
        clinical = Calibration(
            temperature=2.0, operating_scores=scores_around(0.3), conformal_thresholds={0.9: 0.4}, ood_threshold=3.0
        )
        calibrations = {"calibrations": {1: dermoscopy, 4: dermoscopy}, "clinical": {1: clinical, 4: clinical}}
        config = DetectorConfig(("nevus", "melanoma"), (8, 8), **(calibrations | changes))
        classifier = ImageTypeClassifier(np.array([1, -1], np.float32), 0.0)
        return md.Detector(config, TwoTypesRuntime(), Files(image_types=classifier))

    return make


@pytest.fixture
def plain_image():
    """Return a function that makes an image of one colour: `plain_image("clinical", blue=140)`, uint8 (8, 8, 3)."""

    def make(image_type, blue):
        return np.full((8, 8, 3), (220 if image_type == "clinical" else 30, 100, blue), np.uint8)

    return make


class MarkedRuntime:
    """A runtime that gives other logits for images whose first pixel is pure red."""

    name = "marked"

    def __init__(self, runtime, logits):
        self.runtime, self.logits = runtime, logits

    def run(self, pixels):
        """Run on uint8 images `(n, height, width, 3)`."""
        logits, features = self.runtime.run(pixels)
        marked = (np.asarray(pixels)[:, 0, 0] == (255, 0, 0)).all(axis=1)
        return ModelOutputs(np.where(marked[:, None], self.logits, logits).astype(np.float32), features)


@pytest.fixture(scope="session")
def marked_detector(detector):
    """Return a detector whose model gives no numbers for an image with a pure red first pixel, and is sound otherwise."""
    inside = detector.predictor
    return md.Detector(inside.config, MarkedRuntime(inside.runtime, np.nan), inside.files)


@pytest.fixture
def marked_image(data):
    """Return pixels for which the model of `marked_detector` gives no numbers."""
    pixels = data.test.pixels((32, 32))[0].copy()
    pixels[0, 0] = (255, 0, 0)
    return pixels
