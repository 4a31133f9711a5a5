"""Class activation maps: their weights, their views, and that they are what the logits are made of."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.explain.cam import check_class_maps, class_activation_map, class_maps, log_odds_weights, undo_view
from melanoma_detect.explain.occlusion import log_odds
from melanoma_detect.inference.keras_runtime import KerasRuntime
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.test_time_augmentation import make_views, run_with_views


@pytest.fixture(scope="module")
def default():
    return md.Detector.load().predictor


@pytest.fixture(scope="module")
def pixels():
    names = ("melanoma", "nevus", "basal cell carcinoma")
    return np.stack([md.draw_lesion(name, seed=seed, size=224).pixels for seed, name in enumerate(names)])


@pytest.mark.parametrize("views", [1, 4])
def test_the_mean_of_a_classs_map_plus_its_bias_is_its_logit(default, pixels, views):
    maps = class_maps(default.at(views=views), pixels)
    logits = run_with_views(default.runtime, pixels, views).logits
    biases = logits - maps.mean(axis=(1, 2))
    assert maps.shape == (3, 7, 7, 9)
    np.testing.assert_allclose(biases, np.broadcast_to(biases[0], biases.shape), atol=1e-4)
    assert np.abs(maps.mean(axis=(1, 2)) - maps.mean(axis=(1, 2))[0]).max() > 0.1  # the images differ in what varies


@pytest.mark.parametrize("count", [1, 4, 8])
def test_maps_of_every_view_are_turned_back(count):
    image = np.arange(2 * 5 * 5 * 3, dtype=np.float32).reshape(2, 5, 5, 3)
    for number, view in enumerate(make_views(image, count)):
        np.testing.assert_array_equal(undo_view(view, number), image)


def test_the_weights_are_the_gradient_of_the_log_odds():
    logits, indices, step = np.random.default_rng(1).normal(size=(1, 6)), [1, 4], 1e-6
    expected = [
        (log_odds(softmax(logits + shift), indices) - log_odds(softmax(logits - shift), indices))[0] / (2 * step)
        for shift in step * np.eye(6)
    ]
    weights = log_odds_weights(softmax(logits), indices)
    np.testing.assert_allclose(weights[0], expected, atol=1e-6)
    assert weights.sum() == pytest.approx(0)


def test_the_weights_of_impossible_classes_are_finite():
    weights = log_odds_weights(np.array([[1.0, 0.0, 0.0]]), [1, 2])
    np.testing.assert_allclose(weights, [[-1, 0.5, 0.5]])


def test_what_speaks_for_every_class_is_no_evidence(default, pixels, monkeypatch):
    before = class_activation_map(default, pixels[0], [3])
    own = default.runtime.class_maps
    monkeypatch.setattr(default.runtime, "class_maps", lambda batch: own(batch) + np.arange(7)[None, :, None, None])
    np.testing.assert_allclose(class_activation_map(default, pixels[0], [3]), before, atol=1e-4)


def test_it_moves_with_the_lesion(default):
    lesion = np.asarray(md.draw_lesion("melanoma", seed=4, size=112).pixels)
    skin = np.full((224, 224, 3), np.median(lesion[:6], axis=(0, 1)), np.uint8)
    centres = []
    for left in (0, 112):
        image = skin.copy()
        image[56:168, left : left + 112] = lesion
        evidence = np.maximum(class_activation_map(default, image, [3, 4]), 0)
        centres.append((evidence.sum(axis=0) * np.arange(7)).sum() / evidence.sum())
    assert centres[1] - centres[0] > 1  # of seven columns


def test_a_detector_without_class_maps_says_why(detector, image):
    for predictor in (detector.predictor, type(detector.predictor)(detector.predictor.config, keras_runtime())):
        with pytest.raises(
            DetectorError, match="has no class maps: they need an ONNX model that ends in linear layers"
        ):
            check_class_maps(predictor)
    with pytest.raises(DetectorError, match="the ONNX model has no output class_maps"):
        detector.predictor.runtime.class_maps(image[None])


def keras_runtime():
    return KerasRuntime(md.build_model("lesion_net", num_classes=9, input_shape=(64, 64, 3)))
