import base64
import io

import numpy as np
import pytest
from PIL import Image

from melanoma_detect.page.golden import golden_cases


def test_golden_images_replay_decoding_resizing_and_the_model(detector):
    cases = golden_cases(detector.predictor, detector.predictor.runtime)
    assert len(cases) == 2
    for case in cases:
        file = base64.b64decode(case["png"])
        with Image.open(io.BytesIO(file)) as image:
            assert image.size[0] > image.size[1] >= 80  # of another shape and size than the model's input
        found = detector.predict(file)
        assert found.reason not in ("too small", "too dark")
        assert list(found.probabilities.values()) == pytest.approx(case["calibrated"], abs=1e-5)
        assert detector.predictor.preprocess(file).pixels.mean(axis=(0, 1)) == pytest.approx(
            np.array(case["pixels"]), abs=1e-3
        )
