"""Golden images and the probabilities that a detector must give for them."""

import json
import struct
import zlib

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.golden import IMAGES, PROBABILITIES, check_golden_images, make_golden_images
from melanoma_detect.inference.runtime import ModelOutputs


class Shifted:
    """A runtime with other logits."""

    name = "shifted"

    def __init__(self, runtime, by):
        self.runtime, self.by = runtime, by

    def run(self, pixels):
        logits, features = self.runtime.run(pixels)
        return ModelOutputs(logits + self.by * np.eye(logits.shape[1], dtype=np.float32)[0], features)


def test_the_same_model_passes_and_another_does_not(detector, tmp_path):
    members = make_golden_images(detector.predictor.runtime, (32, 32))
    check_golden_images(tmp_path, members, detector.predictor.runtime)
    check_golden_images(tmp_path, members, Shifted(detector.predictor.runtime, 1e-4))
    with pytest.raises(DetectorError, match=r"differ by .* from those where it was saved"):
        check_golden_images(tmp_path, members, Shifted(detector.predictor.runtime, 20.0))


def test_probabilities_of_another_shape_do_not_pass(detector, tmp_path):
    members = make_golden_images(detector.predictor.runtime, (32, 32))
    members[PROBABILITIES] = json.dumps({"probabilities": [[1.0], [1.0]]}).encode()
    with pytest.raises(DetectorError, match=r"differ by inf"):
        check_golden_images(tmp_path, members, detector.predictor.runtime)


@pytest.mark.filterwarnings("always")
def test_a_huge_golden_image_is_refused_without_a_warning_of_pillow(detector, tmp_path, recwarn):
    members = make_golden_images(detector.predictor.runtime, (32, 32))
    header = struct.pack(">4sIIBBBBB", b"IHDR", 12_000, 12_000, 8, 2, 0, 0, 0)
    rest = members[IMAGES[0]][33:]
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + rest
    with pytest.raises(DetectorError, match="golden images"):
        check_golden_images(tmp_path, members | {IMAGES[0]: huge}, detector.predictor.runtime, size=(32, 32))
    assert not recwarn.list
