"""A trained model as an ONNX file that gives the same answers."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import ModelError
from melanoma_detect.export.onnx import Parity, export_onnx, onnx_parity, run_onnx


def test_the_file_answers_as_keras_does(data, tmp_path):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    detector = md.Detector.fit(model, data, epochs=1, progress=False)
    pixels = data.test.pixels((32, 32))
    export_onnx(model, tmp_path / "cnn.onnx")
    logits, features = run_onnx(tmp_path / "cnn.onnx", pixels)
    expected = detector.predictor.runtime.run(pixels)
    np.testing.assert_allclose(logits, expected.logits, atol=1e-4)
    np.testing.assert_allclose(features, expected.features, atol=1e-4)


def test_one_file_takes_any_number_of_images(tmp_path):
    export_onnx(md.build_model("lesion_net", num_classes=4, input_shape=(32, 32, 3)), tmp_path / "net.onnx")
    for count in (1, 5):
        assert run_onnx(tmp_path / "net.onnx", np.zeros((count, 32, 32, 3), np.uint8))[0].shape == (count, 4)


def test_parity_is_measured(image):
    parity = onnx_parity(md.build_model("lesion_net", num_classes=4, input_shape=(64, 64, 3)), image[None])
    assert parity.holds
    assert parity.probabilities < 2e-4


@pytest.mark.parametrize(
    "parity", [Parity(1e-3, 0, 0), Parity(0, 0.1, 0), Parity(0, 0, 0.1), Parity(float("nan"), 0, 0)]
)
def test_what_differs_does_not_hold(parity):
    assert not parity.holds


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match=r"broken\.onnx: ONNX Runtime does not take the file"):
        run_onnx(tmp_path / "broken.onnx", np.zeros((1, 8, 8, 3)))
