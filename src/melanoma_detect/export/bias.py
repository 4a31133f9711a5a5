"""What rounding a convolution's weights does to its mean answer, taken back by its bias.

A rounded weight is off by the same amount for every image, so that each channel's answer moves by the error times the mean of
what it is multiplied with: a shift that calibration images tell, and a bias can undo (Nagel et al. 2019, doi
10.1109/ICCV.2019.00141). MobileNets, whose few weights a channel do not average their errors out, are of little use without.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from melanoma_detect.utils.arrays import Float32Array

_LARGEST = 127


def correct_biases(path: Path, batches: Iterable[dict[str, NDArray[Any]]]) -> None:
    """Change the biases of an ONNX file so that rounding its convolutions to eight bits leaves their means where they are.

    Args:
        path: A float32 model, batch normalisation folded in; it is changed in place.
        batches: Calibration images, as the model takes them.

    Examples:
        >>> from melanoma_detect.export.onnx import export_onnx
        >>> export_onnx(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), Path("cnn.onnx"))
        >>> before = Path("cnn.onnx").read_bytes()
        >>> correct_biases(Path("cnn.onnx"), [{"pixels": data.train.pixels()[:8].astype(np.float32)}])
        >>> Path("cnn.onnx").read_bytes() == before
        False
    """
    model = onnx.load(path)
    nodes = _convolutions(model.graph)
    if not nodes:
        return
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    means = _means(model, sorted({node.input[0] for node in nodes}), batches)
    for node in nodes:
        weights, bias = (numpy_helper.to_array(stored[name]) for name in node.input[1:3])
        error = (weights - rounded(weights)).sum(axis=(2, 3))  # (out, in of the group)
        given = means[node.input[0]].reshape(-1, error.shape[1])  # (groups, in of the group)
        per_channel = given.repeat(len(error) // len(given), axis=0)
        corrected = bias + (error * per_channel).sum(axis=1)
        stored[node.input[2]].CopyFrom(numpy_helper.from_array(corrected.astype(np.float32), node.input[2]))
    onnx.save(model, path)


def rounded(weights: Float32Array) -> Float32Array:
    """Return weights as eight bits hold them, with one scale for each output channel.

    Args:
        weights: `(out, ...)`.

    Returns:
        The same shape: whole multiples, up to 127, of each channel's scale.

    Examples:
        >>> rounded(np.array([[127.0, 0.4], [0.0, 0.0]], np.float32)).tolist()
        [[127.0, 0.0], [0.0, 0.0]]
    """
    largest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    scale = np.maximum(largest / _LARGEST, np.finfo(np.float32).tiny)
    return np.asarray(np.round(weights / scale) * scale, np.float32)


def _convolutions(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the convolutions whose weights and biases the file holds; those without a bias are given one of zeros."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    found = [node for node in graph.node if node.op_type == "Conv" and node.input[1] in stored]
    for node in found:
        if len(node.input) == 2:
            zeros = np.zeros(stored[node.input[1]].dims[0], np.float32)
            node.input.append(f"{node.output[0]}:bias")
            graph.initializer.append(numpy_helper.from_array(zeros, node.input[2]))
    names = {tensor.name for tensor in graph.initializer}
    return [node for node in found if node.input[2] in names]


def _means(
    model: onnx.ModelProto, names: list[str], batches: Iterable[dict[str, NDArray[Any]]]
) -> dict[str, NDArray[np.float64]]:
    """Return the mean of each channel of some maps, over all images and places."""
    looking = onnx.ModelProto()
    looking.CopyFrom(model)
    for name in names:  # averaged inside the graph: the maps themselves would fill the memory
        looking.graph.node.append(onnx.helper.make_node("GlobalAveragePool", [name], [f"{name}:mean"]))
        looking.graph.output.append(onnx.helper.make_tensor_value_info(f"{name}:mean", onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(looking.SerializeToString(), providers=["CPUExecutionProvider"])
    sums: dict[str, Any] = dict.fromkeys(names, 0.0)
    count = 0
    for batch in batches:
        count += len(next(iter(batch.values())))
        for name, found in zip(names, session.run([f"{name}:mean" for name in names], batch), strict=True):
            sums[name] = sums[name] + found.sum(axis=(0, 2, 3), dtype=np.float64)
    return {name: total / count for name, total in sums.items()}
