"""A model in eight bits."""

import logging

import numpy as np
import onnx
import pytest

import melanoma_detect as md
from melanoma_detect.errors import ModelError
from melanoma_detect.export.onnx import export_onnx
from melanoma_detect.export.quantization import OnnxModel, quantise


@pytest.fixture(scope="module")
def exact(detector, tmp_path_factory):
    path = tmp_path_factory.mktemp("exact") / "cnn.onnx"
    export_onnx(detector.predictor.keras_model(), path)
    return path


def test_most_answers_stay(exact, data, tmp_path):
    quantise(exact, tmp_path / "small.onnx", data.train.pixels()[::2])
    pixels = data.test.pixels()
    before, after = (OnnxModel(path).run(pixels).logits.argmax(axis=1) for path in (exact, tmp_path / "small.onnx"))
    assert (before == after).mean() >= 0.9


def test_weights_are_bytes_with_a_scale_for_each_channel(exact, data, tmp_path):
    quantise(exact, tmp_path / "small.onnx", data.train.pixels()[:16])
    graph = onnx.load(tmp_path / "small.onnx").graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    bytes_ = sum(np.prod(one.dims) for one in stored.values() if one.data_type == onnx.TensorProto.INT8)
    assert bytes_ > 0.95 * sum(np.prod(one.dims) for one in stored.values())
    assert any(list(one.dims) == [64] for name, one in stored.items() if name.endswith("_scale"))


def test_nothing_is_said_that_a_user_cannot_use(exact, data, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        quantise(exact, tmp_path / "small.onnx", data.train.pixels()[:16])
    assert not caplog.records


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match=r"broken\.onnx: ONNX Runtime does not take the file"):
        quantise(
            tmp_path / "broken.onnx", tmp_path / "small.onnx", md.draw_lesion("nevus", seed=1, size=32).pixels[None]
        )
