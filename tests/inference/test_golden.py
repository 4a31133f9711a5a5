"""Images with the answers that a detector must give everywhere."""

import json

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.golden import ANSWERS, golden_members, replay
from melanoma_detect.inference.runtime import Outputs


class Off:
    """A runtime that answers a little otherwise."""

    name = "off"

    def __init__(self, runtime, by):
        self.runtime, self.by = runtime, by

    def run(self, pixels):
        logits, features = self.runtime.run(pixels)
        return Outputs(logits + self.by * np.eye(logits.shape[1], dtype=np.float32)[0], features)


def test_the_same_model_passes_and_another_does_not(detector, tmp_path):
    members = golden_members(detector.predictor.runtime, (32, 32))
    replay(tmp_path, members, detector.predictor.runtime)
    replay(tmp_path, members, Off(detector.predictor.runtime, 1e-4))
    with pytest.raises(DetectorError, match="answers otherwise than where it was saved"):
        replay(tmp_path, members, Off(detector.predictor.runtime, 20.0))


def test_answers_of_another_shape_do_not_pass(detector, tmp_path):
    members = golden_members(detector.predictor.runtime, (32, 32))
    members[ANSWERS] = json.dumps({"probabilities": [[1.0], [1.0]]}).encode()
    with pytest.raises(DetectorError, match="inf in probability"):
        replay(tmp_path, members, detector.predictor.runtime)
