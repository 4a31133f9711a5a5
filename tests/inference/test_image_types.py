"""Types of image: published spellings, and the classifier that recognises them."""

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.image_types import ImageTypeClassifier, check_image_type, parse_image_type, recorded_type


@pytest.mark.parametrize(
    ("text", "image_type"),
    [
        ("dermoscopic", "dermoscopy"),
        ("dermoscopy", "dermoscopy"),
        (" Dermatoscopic ", "dermoscopy"),
        ("clinical", "clinical"),
        ("clinical: close-up", "clinical"),
        ("clinical: overview", "clinical"),
        ("TBP tile: close-up", "clinical"),
        ("RCM: macroscopic", ""),
        ("non-dermoscopic", ""),
        ("", ""),
    ],
)
def test_published_spellings(text, image_type):
    assert parse_image_type(text) == image_type
    assert recorded_type({"image_type": text, "sex": "clinical"}) == image_type


def test_the_length_of_features_does_not_matter():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(50, 6)).astype(np.float32)
    classifier = ImageTypeClassifier(rng.normal(size=6).astype(np.float32), 0.1)
    expected = classifier.probability(features)
    np.testing.assert_allclose(classifier.probability(features * 40), expected, atol=1e-5)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    np.testing.assert_allclose(expected, 1 / (1 + np.exp(-(unit @ classifier.weights + 0.1))), atol=1e-6)
    assert ((classifier.types(features) == "clinical") == (expected > 0.5)).all()
    assert np.isfinite(classifier.probability(np.zeros((1, 6), np.float32))).all()


def test_another_word_is_no_type():
    with pytest.raises(DetectorError, match="image_type='photo'; expected one of 'dermoscopy', 'clinical'"):
        check_image_type("photo")
