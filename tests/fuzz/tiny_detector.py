"""A detector of a few kilobytes, drawn and not trained: it is loaded and asked thousands of times a second."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import melanoma_detect as md
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.files import Files
from melanoma_detect.inference.operating_points import Target, ValidationScores
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.runtime import OnnxRuntime

CLASSES = ("nevus", "melanoma", "basal cell carcinoma")
SIDE = 8


@cache
def tiny_detector() -> md.Detector:
    """Return the detector: melanoma is the more probable the bluer an image is, and half of all colours are judged."""
    above, below = (0.6,) * 40, (0.2,) * 40
    targets: tuple[Target, ...] = ("melanoma", "malignant")
    scores = {name: ValidationScores(above, below, 40, 40, 40, 40, target=name) for name in targets}
    fitted = Calibration(operating_scores=scores, conformal_thresholds={0.9: 0.1})
    features = np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32) + 1
    config = DetectorConfig(CLASSES, (SIDE, SIDE), calibrations={1: fitted, 4: fitted}, title="tiny")
    model = _model()
    return md.Detector(
        config, OnnxRuntime(model, threads=1), Files(onnx=model, feature_space=FeatureSpace.fit(features))
    )


@cache
def tiny_detector_file() -> bytes:
    """Return the bytes of the detector's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.detector"
        tiny_detector().save(path)
        return path.read_bytes()


def _model() -> bytes:
    """Return an ONNX model that looks at an image's mean colour."""
    weights = np.array([[0, 0, 0.01], [0, 0, 0.01], [0, 0.04, -0.01]], np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("GlobalAveragePool", ["channels_first"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3]),
        ],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([0, -5, -6], np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
