"""What the model sees of an image."""

import numpy as np
import pytest
from PIL import Image

from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.prediction import likely_malignant, target_scores
from melanoma_detect.inference.preprocessing import ModelInput, preprocess


def test_an_array_of_the_models_size_is_not_copied(image):
    prepared = preprocess(image, (64, 64), "squash")
    assert prepared.pixels is image
    assert prepared == ModelInput(image, 64, 64)


def test_the_original_size_is_returned(tmp_path, image):
    Image.fromarray(image).resize((90, 50)).save(tmp_path / "photo.png")
    prepared = preprocess(tmp_path / "photo.png", (32, 32), "crop")
    assert (prepared.pixels.shape, prepared.height, prepared.width) == ((32, 32, 3), 50, 90)


WRONG = {
    "one image": np.zeros((32, 32, 3), np.uint8),
    "grey": np.zeros((2, 32, 32), np.uint8),
    "another size": np.zeros((2, 16, 32, 3), np.uint8),
    "four channels": np.zeros((2, 32, 32, 4), np.uint8),
    "floats": np.zeros((2, 32, 32, 3)),
    "large numbers": np.full((2, 32, 32, 3), 999),
    "not a number": np.full((2, 32, 32, 3), np.nan, np.float32),
    "objects": np.array([None]),
    "a list": [[1, 2], [3]],
    "nothing": None,
    "a text": "photo.jpg",
}


@pytest.mark.parametrize("pixels", WRONG.values(), ids=WRONG)
def test_pixels_of_another_shape_or_type_are_named(detector, pixels):
    for call in (detector.predictor.probabilities, detector.predictor.predict_batch):
        with pytest.raises(ImageError, match=r"^pixels .*; expected \(images, 32, 32, 3\) and uint8"):
            call(pixels)


@pytest.mark.parametrize("sides", [[32], np.array([[32, 32]]), 32, np.array([1, 2, 3])])
def test_there_is_one_side_for_each_image(detector, sides):
    with pytest.raises(ImageError, match=r"sides have the shape .*; expected \(2,\)"):
        detector.predictor.predict_batch(np.zeros((2, 32, 32, 3), np.uint8), sides)


@pytest.mark.parametrize("shape", [(9,), (1, 8), (1, 10), (1, 1, 9)])
def test_logits_and_probabilities_of_another_shape_are_named(detector, shape):
    for name, call in (
        ("logits", lambda values: Calibration().probabilities(values, detector.classes)),
        ("probabilities", lambda values: target_scores(values, detector.classes, "melanoma")),
        ("probabilities", lambda values: likely_malignant(values, detector.classes, None)),
    ):
        with pytest.raises(DetectorError, match=rf"{name} have the shape .*; expected \(images, 9\)"):
            call(np.zeros(shape))
