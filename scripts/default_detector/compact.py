"""Make a detector's file small: the same network in a third of the bytes, without a change of how it is computed.

A detector's file holds its network twice, in float32: as ONNX, which predicts, and as Keras, for Grad-CAM, fine-tuning and
export. Three steps make both small:

- `round_kernels` rounds the kernels of a Keras model to eight significant binary digits, and lets the batch normalisation after
  each take back the shift of its channels' means. The outputs are the same in both files; calibrate and measure after it.
- `store_as_float16` stores an ONNX file's weights in half the bytes where they are float16 numbers anyhow. A Cast to float32
  follows each, which ONNX Runtime computes once, when it loads the file: the network itself runs in float32 as before.
- `compress_weights` writes a `.keras` file again with its weights shuffled byte by byte and deflated, as HDF5 does for itself.

`inference.bundle.write` deflates the members of a detector's file that shrink by it, such as an ONNX file of rounded weights.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import h5py
import keras
import numpy as np
import onnx
from keras import layers
from numpy.typing import NDArray
from onnx import numpy_helper

from melanoma_detect.models.contract import every_layer

BITS = 6  # explicit binary digits of a mantissa; bfloat16 has seven, float16 ten
MIN_SIZE = 1024  # numbers in a tensor: smaller ones are not worth a node of the graph, or a chunk of the file
SMALLEST_EXPONENT = -24  # of float16, subnormal
SMALLEST_SCALE = 2.0**-20
ROUNDING = 1e-6  # relative: what float32 arithmetic loses in a product and a square root


def round_kernels(model: keras.Model, pixels: NDArray[np.uint8], bits: int = BITS) -> None:
    """Round the kernels of a model's convolutions in place, so that they stay rounded in an ONNX file.

    The exporter multiplies a kernel by the scale of the batch normalisation after it, which would undo the rounding. So that
    scale is first made a power of two, and the rest of it is moved into the kernel, the mean and the variance: the outputs stay
    the same, and so do those of batch statistics in training.

    A rounded kernel is off by the same amount for every image, which shifts the mean output of its channel by that error times
    the mean input (Nagel et al. 2019, doi 10.1109/ICCV.2019.00141); most of what rounding changes is this shift. The moving
    mean takes it back. `pixels` are images to measure the mean inputs on, `(n, height, width, 3)`: a few dozen are enough.
    """
    pairs = list(_pairs(model))
    means = mean_inputs(model, pixels)
    for convolution, norm in pairs:
        power = move_scale(convolution, norm)
        exact = np.asarray(convolution.kernel)
        # What float16 cannot express, neither as it stands nor multiplied by the power of two, is rounded away here.
        step = np.exp2(SMALLEST_EXPONENT - np.minimum(np.log2(np.abs(power)), 0))[_per_channel(convolution)]
        rounded = (np.round(round_mantissa(exact, bits) / step) * step).astype(np.float32)
        convolution.kernel.assign(rounded)
        error = (rounded - exact.astype(np.float64)).sum(
            (0, 1)
        )  # (in, out), or (channels, 1) of a depthwise convolution
        mean = means[convolution.path]
        shift = error[:, 0] * mean if _is_depthwise(convolution) else mean @ error
        norm.moving_mean.assign((np.asarray(norm.moving_mean) + shift).astype(np.float32))


def mean_inputs(graph: keras.Model, inputs: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Return the mean input of each channel over images and positions, for each convolution by its path."""
    convolutions = [layer for layer in graph.layers if _is_convolution(layer)]
    nested = [layer for layer in graph.layers if hasattr(layer, "layers")]
    pool = layers.GlobalAveragePooling2D()
    outputs = [pool(layer.input) for layer in convolutions]
    outputs += [layer._inbound_nodes[-1].input_tensors[0] for layer in nested]  # has no public name
    if not outputs:
        return {}
    found = keras.Model(graph.input, outputs).predict(inputs.astype(np.float32), batch_size=16, verbose=0)
    found = found if isinstance(found, list) else [found]
    means = {layer.path: values.mean(0, np.float64) for layer, values in zip(convolutions, found, strict=False)}
    for layer, values in zip(nested, found[len(convolutions) :], strict=True):
        means |= mean_inputs(layer, values)
    return means


def move_scale(convolution: Any, norm: Any) -> NDArray[np.float64]:
    """Make the scale of a batch normalisation a power of two for each channel, without a change of the outputs.

    Returns the powers of two, `(channels,)`, with the sign of gamma.
    """
    gamma, mean, variance = (
        np.asarray(part, np.float64) for part in (norm.gamma, norm.moving_mean, norm.moving_variance)
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    tiny = np.abs(scale) < SMALLEST_SCALE  # a channel that is all but switched off; a gamma of 0 among them
    power = np.exp2(np.floor(np.log2(np.maximum(np.abs(scale), SMALLEST_SCALE)))) * np.where(gamma < 0, -1, 1)
    factor = scale / power
    convolution.kernel.assign((np.asarray(convolution.kernel) * factor[_per_channel(convolution)]).astype(np.float32))
    norm.gamma.assign(np.where(tiny, power, gamma).astype(np.float32))
    norm.moving_mean.assign((mean * factor).astype(np.float32))
    moved = np.where(tiny, 1, np.square(gamma / power)) - norm.epsilon
    norm.moving_variance.assign(moved.astype(np.float32))
    return power


def round_mantissa(values: NDArray[np.float32], bits: int = BITS) -> NDArray[np.float32]:
    """Round to a number of explicit binary digits: the zeros after them compress to nothing."""
    dropped = 23 - bits
    integers = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((integers + (1 << (dropped - 1))) >> dropped << dropped).astype(np.uint32).view(np.float32)


def store_as_float16(content: bytes) -> bytes:
    """Store the large weights of an ONNX file in float16, each with a Cast to float32, where that loses nothing.

    A weight that is no float16 number to within float32's rounding keeps its tensor in float32.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        half = _as_float16(tensor)
        if half is None:
            continue
        name = f"{tensor.name}:float16"
        casts.append(onnx.helper.make_node("Cast", [name], [tensor.name], to=onnx.TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(half, name))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model.SerializeToString()


def compress_weights(content: bytes) -> bytes:
    """Write a `.keras` file again, with its weights shuffled and deflated: Keras loads it as before."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            member = source.read(name)
            packed.writestr(name, _compress_hdf5(member) if name.endswith(".h5") else member, compresslevel=9)
    return target.getvalue()


def _pairs(model: keras.Model) -> Iterator[tuple[Any, Any]]:
    """Yield each convolution without a bias whose output is normalised, and its batch normalisation."""
    found = list(every_layer(model))
    convolutions = {id(layer.output): layer for layer in found if _is_convolution(layer) and not layer.use_bias}
    for norm in found:
        if isinstance(norm, layers.BatchNormalization) and id(norm.input) in convolutions:
            yield convolutions[id(norm.input)], norm


def _per_channel(convolution: Any) -> tuple[Any, ...]:
    """Return the index that lets values for each output channel multiply a kernel."""
    return (..., slice(None), None) if _is_depthwise(convolution) else (...,)


def _is_convolution(layer: Any) -> bool:
    return isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D)


def _is_depthwise(layer: Any) -> bool:
    return isinstance(layer, layers.DepthwiseConv2D)


def _as_float16(tensor: onnx.TensorProto) -> NDArray[np.float16] | None:
    if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < MIN_SIZE:
        return None
    values = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return half if np.allclose(half.astype(np.float32), values, rtol=ROUNDING, atol=0) else None


def _compress_hdf5(content: bytes) -> bytes:
    target = io.BytesIO()
    with h5py.File(io.BytesIO(content), "r") as source, h5py.File(target, "w") as packed:
        _copy_group(source, packed)
    return target.getvalue()


def _copy_group(source: Any, target: Any) -> None:
    target.attrs.update(source.attrs)
    for name, member in source.items():
        if isinstance(member, h5py.Group):
            _copy_group(member, target.create_group(name))
            continue
        filters = {"chunks": member.shape, "shuffle": True, "compression": 9} if member.size >= MIN_SIZE else {}
        target.create_dataset(name, data=member[()], **filters).attrs.update(member.attrs)
