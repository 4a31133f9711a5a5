"""What an ONNX model may hold before ONNX Runtime sees it."""

import time
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from detector_members import rewrite
from onnx import TensorProto, helper, numpy_helper

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.onnx_check import OPERATORS, check_onnx

SMALL = Path(__file__).parent / "data" / "schema_5.detector"


@pytest.fixture
def model():
    with zipfile.ZipFile(SMALL) as archive:
        return onnx.load_from_string(archive.read("model.onnx"))


def refused(model):
    """Return why a model is refused."""
    with pytest.raises(DetectorError) as caught:
        check_onnx(model.SerializeToString())
    return str(caught.value)


def weights(model):
    return model.graph.initializer[0]


def test_networks_of_the_library_pass(model):
    check_onnx(model.SerializeToString())
    check_onnx(md.Detector.load().predictor.files.onnx)


def test_numbers_may_be_written_in_every_way(model):
    """As raw bytes, one by one or packed; as negative axes, or to the end of an axis."""
    model.graph.initializer.append(helper.make_tensor("a", TensorProto.FLOAT, [2, 2], [1.0, 2.0, 3.0, 4.0]))
    model.graph.initializer.append(helper.make_tensor("b", TensorProto.INT64, [2], [-1, 2**63 - 1]))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((0, 3), np.float32), "c"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(1.0), "d"))
    model.graph.initializer.append(helper.make_tensor("e", TensorProto.INT4, [3], [1, 2, 3]))
    model.graph.node.append(helper.make_node("Squeeze", ["a"], ["f"], axes=[-1]))
    model.graph.node.append(helper.make_node("Slice", ["a"], ["g"], starts=[0], ends=[2**63 - 1], axes=[0]))
    check_onnx(model.SerializeToString())


@pytest.mark.parametrize(
    "operator", ["Loop", "If", "Scan", "RandomNormal", "SequenceConstruct", "ImageDecoder", "Made-Up"]
)
def test_operators_that_no_network_needs(model, operator):
    model.graph.node.append(helper.make_node(operator, ["a"], ["b"]))
    assert f"has the operator {operator}" in refused(model)


def test_operators_of_others(model):
    model.graph.node.append(helper.make_node("Relu", ["a"], ["b"], domain="com.evil"))
    assert "of the domain com.evil" in refused(model)


def test_a_graph_inside_an_operator(model):
    node = helper.make_node("Relu", ["a"], ["b"])
    node.attribute.append(helper.make_attribute("body", model.graph))
    model.graph.node.append(node)
    assert "has a graph inside the operator Relu" in refused(model)


def test_functions(model):
    model.functions.append(helper.make_function("own", "f", ["a"], ["b"], [], [helper.make_opsetid("", 18)]))
    assert "has functions" in refused(model)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret"])
def test_weights_in_another_file(model, path):
    tensor = weights(model)
    onnx.external_data_helper.set_external_data(tensor, path)
    tensor.data_location = TensorProto.EXTERNAL
    assert "has weights in another file" in refused(model)
    tensor.data_location = TensorProto.DEFAULT
    assert "has weights in another file" in refused(model)


@pytest.mark.parametrize("dimensions", [[2**40], [2**31, 2**31, 4], [-1], [10**9, 2], [2**62, 2]])
def test_tensors_that_are_not_in_the_file(model, dimensions):
    del weights(model).dims[:]
    weights(model).dims.extend(dimensions)
    assert "numbers where the file holds" in refused(model)
    constant = helper.make_node("Constant", [], ["c"], value=weights(model))
    model.graph.initializer.pop(0)
    model.graph.node.append(constant)
    assert "numbers where the file holds" in refused(model)


def test_sparse_weights(model):
    values, indices = (helper.make_tensor(name, TensorProto.INT64, [1], [1]) for name in ("v", "i"))
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [10**9]))
    assert "has sparse weights" in refused(model)


def test_paddings_larger_than_any_image(model):
    model.graph.node.append(helper.make_node("Conv", ["a", "w"], ["b"], pads=[0, 0, 10**6, 0]))
    assert "a number in the operator Conv" in refused(model)


def test_models_without_a_graph_or_with_two(model):
    assert "has 0 graphs" in refused(onnx.ModelProto())
    with pytest.raises(DetectorError, match="has 2 graphs"):
        check_onnx(model.SerializeToString() * 2)


def test_damaged_bytes_are_refused_or_pass(model):
    content = model.SerializeToString()
    noise = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(content)
        for place in noise.integers(0, len(content), 3):
            damaged[place] = noise.integers(256)
        try:
            check_onnx(bytes(damaged[: noise.integers(1, len(content))]))
        except DetectorError:
            continue


@pytest.mark.parametrize(
    "content", [b"\xff" * 20, b"\x3a\xff\xff\xff\xff\x0f", b"\x3b", b"\x38\x01", b"\x00\x00", b"\x3a\x02\x08\x01"]
)
def test_what_is_no_model_is_an_error_of_the_library(content):
    with pytest.raises(DetectorError):
        check_onnx(content)


def outer_product(model, side):
    """Add a product of two vectors to a model: small in the file, and side × side numbers when it runs."""
    vector = np.ones((side, 1), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(vector, "column"))
    model.graph.initializer.append(numpy_helper.from_array(vector.T, "row"))
    model.graph.node.append(helper.make_node("MatMul", ["column", "row"], ["filled"]))
    model.graph.output.append(helper.make_tensor_value_info("filled", TensorProto.FLOAT, [side, side]))
    return model


def test_a_model_that_would_fill_the_memory_is_refused(model, tmp_path):
    place = tmp_path / "large.detector"
    rewrite(SMALL, place, {"model.onnx": outer_product(model, 60_000).SerializeToString()})  # 14 GB
    with pytest.raises(DetectorError, match=r"large\.detector"):
        md.Detector.load(place)


def test_a_detector_with_an_operator_of_others_is_not_loaded(model, tmp_path):
    model.graph.node.append(helper.make_node("Relu", ["a"], ["b"], domain="com.evil"))
    place = tmp_path / "other.detector"
    rewrite(SMALL, place, {"model.onnx": model.SerializeToString()})
    with pytest.raises(
        DetectorError, match=r"other\.detector: its ONNX model has the operator Relu of the domain com\.evil"
    ):
        md.Detector.load(place)


def test_every_operator_is_one_of_onnx():
    assert {schema.name for schema in onnx.defs.get_all_schemas_with_history()} >= OPERATORS


@pytest.mark.parametrize("nested", [False, True])
def test_a_file_of_tiny_fields_takes_no_minutes(nested):
    """Ten million fields of two bytes: at a microsecond each they would take ten seconds."""
    fields = b"\x0a\x00" * 10_000_000
    length = bytes([len(fields) >> shift & 127 | 128 for shift in (0, 7, 14)]) + bytes([len(fields) >> 21])
    started = time.perf_counter()
    with pytest.raises(DetectorError, match="its ONNX model"):
        check_onnx(b"\x3a" + length + fields if nested else fields)
    assert time.perf_counter() - started < 5


def test_an_attribute_of_millions_of_numbers(model):
    model.graph.node.append(helper.make_node("Squeeze", ["a"], ["b"], axes=[1] * 600_000))
    assert "more than 500,000 fields and numbers" in refused(model)


def test_dimensions_that_multiply_to_a_number_of_a_million_digits(model):
    weights(model).dims.extend([2**62] * 100_000)
    started = time.perf_counter()
    assert "numbers where the file holds" in refused(model)
    assert time.perf_counter() - started < 2
