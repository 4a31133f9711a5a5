"""ONNX export with the same outputs."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.export.onnx import OutputDifferences, compare_onnx, export_onnx
from melanoma_detect.inference.runtime import OnnxRuntime


def test_the_file_answers_as_keras_does(data, tmp_path):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    detector = md.Detector.fit(model, data, epochs=1, progress=False)
    pixels = data.test.pixels((32, 32))
    export_onnx(model, tmp_path / "cnn.onnx")
    logits, features = OnnxRuntime(tmp_path / "cnn.onnx").run(pixels)
    expected = detector.predictor.runtime.run(pixels)
    np.testing.assert_allclose(logits, expected.logits, atol=1e-4)
    np.testing.assert_allclose(features, expected.features, atol=1e-4)


def test_one_file_takes_any_number_of_images(tmp_path):
    export_onnx(md.build_model("lesion_net", num_classes=4, input_shape=(32, 32, 3)), tmp_path / "net.onnx")
    for count in (1, 5):
        pixels = np.zeros((count, 32, 32, 3), np.uint8)
        assert OnnxRuntime(tmp_path / "net.onnx").run(pixels).logits.shape == (count, 4)


def test_the_difference_is_measured(image):
    differences = compare_onnx(md.build_model("lesion_net", num_classes=4, input_shape=(64, 64, 3)), image[None])
    assert differences.within_tolerance
    assert differences.probabilities < 2e-4


@pytest.mark.parametrize("differences", [(1e-3, 0, 0), (0, 0.1, 0), (0, 0, 0.1), (float("nan"), 0, 0)])
def test_any_large_difference_is_out_of_tolerance(differences):
    assert not OutputDifferences(*differences).within_tolerance
