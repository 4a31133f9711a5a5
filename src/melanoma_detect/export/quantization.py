"""Quantization of ONNX models to eight bits: a quarter of the size, and faster where the processor multiplies bytes.

Static quantization by ONNX Runtime, as QuantizeLinear and DequantizeLinear pairs, which any runtime reads. Weights are
symmetric with one scale for each output channel (Krishnamoorthi 2018, arXiv:1806.08342); activations have one scale for each
tensor, from their smallest and largest value on calibration images.

Biases are corrected first (Nagel et al. 2019, doi 10.1109/ICCV.2019.00141). A rounded weight is off by the same amount for
every image, which shifts the mean output of its channel by that error times the mean input; the bias takes the shift back.
MobileNets, which have too few weights a channel for the errors to average out, are of little use without.
"""

import contextlib
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime import quantization
from onnxruntime.quantization import shape_inference

from melanoma_detect.errors import DetectorError, ModelError
from melanoma_detect.export.class_maps import remove_class_maps
from melanoma_detect.export.onnx import CPU
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.runtime import OnnxRuntime, create_session, iterate_batches
from melanoma_detect.utils.arrays import Float32Array
from melanoma_detect.utils.temporary import temporary_folder

Feed = dict[str, NDArray[Any]]  # images under the name of the model's input

_LARGEST = 127  # of int8; -128 is left out, so that the range is symmetric


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Gives ONNX Runtime one batch of calibration images after the other."""

    def __init__(self, batches: Iterable[Feed]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> Feed | None:
        """Return the next batch, or None when there is none."""
        return next(self._batches, None)


def quantize(source: Path, target: Path, pixels: Pixels) -> None:
    """Write an ONNX model in eight bits, with the outputs `logits` and `features`.

    Args:
        source: A float32 model with these outputs; its `class_maps` are left out.
        target: The file to write.
        pixels: Calibration images, uint8 `(n, height, width, 3)`: about a hundred images like those of later use.

    Raises:
        ModelError: ONNX Runtime cannot load or quantize the model.

    Examples:
        >>> from melanoma_detect.export.onnx import export_onnx
        >>> export_onnx(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), Path("cnn.onnx"))
        >>> quantize(Path("cnn.onnx"), Path("small.onnx"), data.train.pixels()[:32])
        >>> Path("small.onnx").stat().st_size < 0.3 * Path("cnn.onnx").stat().st_size
        True
    """
    try:
        model = OnnxRuntime(source, providers=CPU)
    except DetectorError as error:
        raise ModelError(str(error)) from error
    with temporary_folder() as folder, _without_advice():
        prepared = Path(folder, "prepared.onnx")
        try:
            # Without class maps: rounded, their mean would be no logit.
            plain = onnx.load(source)
            remove_class_maps(plain)
            onnx.save(plain, prepared)
            # Infers every shape and folds batch normalisation into the convolutions, so that one operation is rounded once.
            shape_inference.quant_pre_process(str(prepared), str(prepared), skip_symbolic_shape=True)
            correct_biases(prepared, calibration_feeds(model, pixels))
            quantization.quantize_static(
                str(prepared),
                str(target),
                _Reader(calibration_feeds(model, pixels)),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                # Unsigned activations by signed weights: what the byte instructions of x86 and of Arm both multiply.
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
            _remove_shapes(target)
        except Exception as error:
            raise ModelError(f"{source.name}: cannot be quantized ({type(error).__name__}: {error})") from error


def calibration_feeds(model: OnnxRuntime, pixels: Pixels) -> Iterator[Feed]:
    """Yield images in batches, as an ONNX model takes them.

    Args:
        model: The model.
        pixels: uint8 `(n, height, width, 3)`.

    Yields:
        Dictionaries with one entry, for `InferenceSession.run`.

    Examples:
        >>> [list(feed) for feed in calibration_feeds(OnnxRuntime(predictor.files.onnx), data.test.pixels()[:8])]
        [['bytes']]
    """
    return map(model.feed, iterate_batches(pixels))


def correct_biases(path: Path, feeds: Iterable[Feed]) -> None:
    """Change the biases of an ONNX model so that rounding its convolutions to eight bits leaves their mean outputs unchanged.

    Args:
        path: A float32 model, batch normalisation folded in; the file is changed in place.
        feeds: Calibration images, from `calibration_feeds`.

    Examples:
        >>> from melanoma_detect.export.onnx import export_onnx
        >>> export_onnx(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), Path("cnn.onnx"))
        >>> before = Path("cnn.onnx").read_bytes()
        >>> correct_biases(Path("cnn.onnx"), calibration_feeds(OnnxRuntime(Path("cnn.onnx")), data.train.pixels()[:8]))
        >>> Path("cnn.onnx").read_bytes() == before
        False
    """
    model = onnx.load(path)
    convolutions = _convolutions(model.graph)
    if not convolutions:
        return
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    means = _channel_means(model, sorted({node.input[0] for node in convolutions}), feeds)
    for node in convolutions:
        weights, bias = (numpy_helper.to_array(tensors[name]) for name in node.input[1:3])
        error = (weights - round_weights(weights)).sum(axis=(2, 3))  # (channels out, channels in of the group)
        mean_inputs = means[node.input[0]].reshape(-1, error.shape[1])  # (groups, channels in of the group)
        mean_inputs = mean_inputs.repeat(len(error) // len(mean_inputs), axis=0)  # one row for each channel out
        corrected = bias + (error * mean_inputs).sum(axis=1)
        tensors[node.input[2]].CopyFrom(numpy_helper.from_array(corrected.astype(np.float32), node.input[2]))
    onnx.save(model, path)


def round_weights(weights: Float32Array) -> Float32Array:
    """Round weights to eight bits, with one scale for each output channel.

    Args:
        weights: `(channels out, ...)`.

    Returns:
        The same shape: whole multiples, up to 127, of each channel's scale.

    Examples:
        >>> round_weights(np.array([[127.0, 0.4], [0.0, 0.0]], np.float32)).tolist()
        [[127.0, 0.0], [0.0, 0.0]]
    """
    largest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    scale = np.maximum(largest / _LARGEST, np.finfo(np.float32).tiny)
    return np.asarray(np.round(weights / scale) * scale, np.float32)


def _convolutions(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the convolutions whose weights and biases the file holds; those without a bias get one of zeros."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type == "Conv" and node.input[1] in tensors]
    for node in nodes:
        if len(node.input) == 2:
            zeros = np.zeros(tensors[node.input[1]].dims[0], np.float32)
            node.input.append(f"{node.output[0]}:bias")
            graph.initializer.append(numpy_helper.from_array(zeros, node.input[2]))
    names = {tensor.name for tensor in graph.initializer}
    return [node for node in nodes if node.input[2] in names]


def _channel_means(model: onnx.ModelProto, names: list[str], feeds: Iterable[Feed]) -> dict[str, NDArray[np.float64]]:
    """Return the mean of each channel of some feature maps, over all images and positions."""
    averaging = onnx.ModelProto()
    averaging.CopyFrom(model)
    for name in names:  # averaged inside the graph: the feature maps themselves would fill the memory
        averaging.graph.node.append(onnx.helper.make_node("GlobalAveragePool", [name], [f"{name}:mean"]))
        averaging.graph.output.append(onnx.helper.make_tensor_value_info(f"{name}:mean", onnx.TensorProto.FLOAT, None))
    session = create_session(averaging.SerializeToString(), providers=CPU)
    sums: dict[str, Any] = dict.fromkeys(names, 0.0)
    count = 0
    for feed in feeds:
        count += len(next(iter(feed.values())))
        for name, means in zip(names, session.run([f"{name}:mean" for name in names], feed), strict=True):
            sums[name] = sums[name] + means.sum(axis=(0, 2, 3), dtype=np.float64)
    return {name: total / count for name, total in sums.items()}


def _remove_shapes(path: Path) -> None:
    """Remove the shapes between the operations: much of a small network's file, and inferred again on loading."""
    model = onnx.load(path)
    del model.graph.value_info[:]
    onnx.save(model, path)


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Keep ONNX Runtime's advice to preprocess the model out of the root logger: that is done already."""
    logger = logging.getLogger()
    logger.addFilter(_is_not_from_onnxruntime)
    try:
        yield
    finally:
        logger.removeFilter(_is_not_from_onnxruntime)


def _is_not_from_onnxruntime(record: logging.LogRecord) -> bool:
    return "onnxruntime" not in record.pathname
