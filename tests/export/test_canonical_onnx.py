"""The same network gives the same ONNX bytes in every process."""

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest

import melanoma_detect as md
from melanoma_detect.export.canonical_onnx import make_canonical
from melanoma_detect.export.onnx import onnx_bytes
from melanoma_detect.inference.runtime import OnnxRuntime

EXPORT = """
import hashlib, sys
import melanoma_detect as md
from melanoma_detect.export.onnx import onnx_bytes
model = md.build_model("cnn", num_classes=3, input_shape=(32, 32, 3), seed=1)
print(hashlib.sha256(onnx_bytes(model)).hexdigest())
"""


def renamed(model, order):
    """Return a model with other names, and its nodes and constants in another order."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    kept = {value.name for value in (*model.graph.input, *model.graph.output)}
    for node in changed.graph.node:
        node.name = f"x{node.name}"
        for names in (node.input, node.output):
            names[:] = [name if name in kept or not name else f"x{name}" for name in names]
    for tensor in changed.graph.initializer:
        tensor.name = f"x{tensor.name}"
    nodes = [changed.graph.node[place] for place in order.permutation(len(changed.graph.node))]
    constants = [changed.graph.initializer[place] for place in order.permutation(len(changed.graph.initializer))]
    parts = onnx.GraphProto(node=nodes, initializer=constants)
    changed.graph.ClearField("node")
    changed.graph.ClearField("initializer")
    changed.graph.node.extend(parts.node)
    changed.graph.initializer.extend(parts.initializer)
    return changed


@pytest.fixture(scope="module")
def exported():
    return onnx_bytes(md.build_model("lesion_net", num_classes=3, input_shape=(32, 32, 3), seed=1))


def test_names_and_order_leave_no_trace(exported):
    model = onnx.load_from_string(exported)
    make_canonical(model)
    expected = model.SerializeToString()
    for seed in range(3):
        other = renamed(model, np.random.default_rng(seed))
        assert other.SerializeToString() != expected
        make_canonical(other)
        assert other.SerializeToString() == expected


def test_the_outputs_stay_the_same(exported):
    model = onnx.load_from_string(exported)
    make_canonical(model)
    onnx.checker.check_model(model)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)
    before, after = OnnxRuntime(exported), OnnxRuntime(model.SerializeToString())
    np.testing.assert_array_equal(before.run(pixels).logits, after.run(pixels).logits)
    np.testing.assert_array_equal(before.run(pixels).features, after.run(pixels).features)


def test_what_was_exported_before_leaves_no_trace():
    def export():
        return onnx_bytes(md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3), seed=1))

    assert export() == export()


@pytest.mark.slow
def test_processes_with_other_hashes_write_the_same_bytes():
    digests = {
        subprocess.run(
            [sys.executable, "-c", EXPORT],
            env=os.environ | {"PYTHONHASHSEED": str(seed), "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (0, 1, 2)
    }
    assert len(digests) == 1
