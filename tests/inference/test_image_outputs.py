"""Tests of the features and probabilities of many images."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.inference import image_outputs
from melanoma_detect.inference.image_outputs import run_on_images


@pytest.fixture
def images(data):
    """Return the images of the test split."""
    return [record.image for record in data.test.records]


def test_outputs_are_those_of_the_model_and_of_predict(detector, data, images):
    outputs = run_on_images(detector.predictor, images)
    pixels = data.test.pixels()
    np.testing.assert_allclose(outputs.features, detector.predictor.runtime.run(pixels).features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs.probabilities, detector.predictor.probabilities(pixels), atol=1e-6)
    assert outputs.problems == ("",) * len(images)


def test_images_keep_their_order_over_several_chunks(detector, images, monkeypatch):
    whole = run_on_images(detector.predictor, images)
    monkeypatch.setattr(image_outputs, "_CHUNK", 5)
    parts = run_on_images(detector.predictor, images)
    np.testing.assert_allclose(parts.features, whole.features, rtol=1e-4, atol=1e-5)
    assert parts.features.dtype == np.float32


def test_views_are_averaged(detector, images):
    one = run_on_images(detector.predictor, images[:3])
    four = run_on_images(detector.at(views=4).predictor, images[:3])
    assert not np.allclose(one.features, four.features)
    expected = [detector.at(views=4).predict(image).probabilities for image in images[:3]]
    np.testing.assert_allclose(four.probabilities, [list(row.values()) for row in expected], atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 256])
def test_unreadable_images_raise_or_give_nan_and_the_problem(detector, images, tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(image_outputs, "_CHUNK", chunk)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        run_on_images(detector.predictor, [images[0], broken])
    outputs = run_on_images(detector.predictor, [broken, images[0], broken], skip_unreadable=True)
    assert [bool(problem) for problem in outputs.problems] == [True, False, True]
    assert "broken.jpg" in outputs.problems[0]
    assert np.isnan(outputs.features).all(axis=1).tolist() == [True, False, True]
    assert np.isnan(outputs.probabilities).all(axis=1).tolist() == [True, False, True]


def test_only_unreadable_images_and_no_image(detector, tmp_path):
    outputs = run_on_images(detector.predictor, [tmp_path / "gone.jpg"], skip_unreadable=True)
    assert outputs.features.shape == (1, 1)
    assert outputs.problems[0]
    none = run_on_images(detector.predictor, [])
    assert none.features.shape == (0, 1)
    assert none.probabilities.shape == (0, len(detector.classes))


def test_images_of_any_kind(detector):
    lesion = md.draw_lesion("nevus", seed=3, size=80)
    assert run_on_images(detector.predictor, [lesion.pixels, lesion.pixels]).features.shape[0] == 2
