"""What an ONNX model may hold before ONNX Runtime sees it: the operators of networks, and weights that lie in the file.

A hostile model could read other files (external data), loop for ever, call operators of a library that happens to be loaded,
or announce tensors that fill the memory. So its bytes are looked at first, without the package onnx, which the small install
lacks: this module reads as much of the Protocol Buffers encoding as it needs, without recursion. The field numbers are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from collections.abc import Iterator
from typing import TypeAlias

from melanoma_detect.errors import DetectorError

Message: TypeAlias = memoryview
Value: TypeAlias = "int | memoryview"

# Operators of ONNX's own domain that compute tensors from tensors. Left out: control flow, random numbers, text, sequences,
# decoders of images.
_NAMES = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization BitShift
BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Compress Concat Constant ConstantOfShape Conv
ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu
Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool
GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax Identity
InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
LpNormalization LpPool MatMul MatMulInteger Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg NonZero
Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization RNN Range Reciprocal ReduceL1
ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
Resize Round ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign
SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample
Where Xor
"""
OPERATORS = frozenset(_NAMES.split())
_DOMAINS = {b"", b"ai.onnx"}
_MAX_NODES = 100_000
_MAX_READ = 500_000  # fields and numbers: a network of a thousand layers has a few ten thousand
_MAX_ATTRIBUTE = 65_536  # of a kernel, a stride, a padding, an axis or a size, which are whole numbers
_LARGEST_END = 2**62  # "to the end" of an axis, in slices
_MAX_ELEMENTS = 2**29  # of a tensor: 2 GiB of float32
_EXTERNAL = 1

# Fields, by message.
_GRAPH, _OPSETS, _TRAINING, _FUNCTIONS = 7, 8, 20, 25
_NODES, _INITIALIZERS, _SPARSE = 1, 5, 15
_TYPE, _DOMAIN, _ATTRIBUTES = 4, 7, 5
_NAME, _INTEGER, _TENSOR, _SUBGRAPH, _INTEGERS, _TENSORS, _SUBGRAPHS = 1, 3, 5, 6, 8, 10, 11
_DIMENSIONS, _RAW, _EXTERNAL_DATA, _LOCATION = 1, 9, 13, 14
_OTHER_DATA = (4, 5, 6, 7, 10, 11)  # the fields of numbers that are not raw bytes


class _Budget:
    """How much may still be read: what is read costs time, and a file of many tiny fields would cost minutes."""

    def __init__(self) -> None:
        self.left = _MAX_READ

    def take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"it has more than {_MAX_READ:,} fields and numbers")


def check_onnx(model: bytes) -> None:
    """Raise DetectorError unless an ONNX model is one that a network's export makes.

    Args:
        model: The bytes of the file.

    Raises:
        DetectorError: It has operators that no network needs, control flow, functions, data in other files, or tensors larger
            than what the file holds; or it is damaged.

    Examples:
        >>> check_onnx(predictor.files.onnx)
        >>> check_onnx(b"no model")
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: its ONNX model is damaged (...); do not trust it
    """
    try:
        problem = _problem_of(memoryview(model), _Budget())
    except (ValueError, IndexError) as error:
        raise DetectorError(f"its ONNX model is damaged ({error}); do not trust it") from error
    if problem:
        raise DetectorError(f"its ONNX model {problem}, which no network of this library has; do not trust it")


def _problem_of(model: Message, budget: _Budget) -> str:
    graphs = 0
    for field, value in _fields(model, budget):
        if field in (_TRAINING, _FUNCTIONS):
            return "has functions or training steps in it"
        if field == _GRAPH:
            graphs += 1
            if problem := _problem_of_graph(_message(value), budget):
                return problem
    return "" if graphs == 1 else f"has {graphs} graphs"


def _problem_of_graph(graph: Message, budget: _Budget) -> str:
    nodes = 0
    for field, value in _fields(graph, budget):
        problem = ""
        if field == _NODES:
            nodes += 1
            problem = _problem_of_node(_message(value), budget)
        elif field == _INITIALIZERS:
            problem = _problem_of_tensor(_message(value), budget)
        elif field == _SPARSE:
            problem = "has sparse weights"
        if problem:
            return problem
    return f"has {nodes:,} nodes" if nodes > _MAX_NODES else ""


def _problem_of_node(node: Message, budget: _Budget) -> str:
    operator, domain, attributes = b"", b"", list[Message]()
    for field, value in _fields(node, budget):
        if field == _TYPE:
            operator = bytes(_message(value))
        elif field == _DOMAIN:
            domain = bytes(_message(value))
        elif field == _ATTRIBUTES:
            attributes.append(_message(value))
    name = operator[:50].decode(errors="replace")
    if domain not in _DOMAINS:
        return f"has the operator {name} of the domain {domain[:50].decode(errors='replace')}"
    if name not in OPERATORS:
        return f"has the operator {name}"
    return next(filter(None, (_problem_of_attribute(attribute, budget, name) for attribute in attributes)), "")


def _problem_of_attribute(attribute: Message, budget: _Budget, operator: str) -> str:
    for field, value in _fields(attribute, budget):
        if field in (_SUBGRAPH, _SUBGRAPHS):
            return f"has a graph inside the operator {operator}"
        if field in (_TENSOR, _TENSORS) and (problem := _problem_of_tensor(_message(value), budget)):
            return problem
        if field in (_INTEGER, _INTEGERS) and any(_is_too_large(number) for number in _integers(value, budget)):
            return f"has a number in the operator {operator} that is larger than any image"
    return ""


def _problem_of_tensor(tensor: Message, budget: _Budget) -> str:
    """Return what is wrong with a tensor of constants: its numbers must lie in the file."""
    elements, size, outside = 1, 0, False
    for field, value in _fields(tensor, budget):
        if field == _DIMENSIONS and 0 <= elements <= 2**64:
            elements *= _product(_integers(value, budget))
        elif field == _EXTERNAL_DATA or (field == _LOCATION and value == _EXTERNAL):
            outside = True
        elif field == _RAW or field in _OTHER_DATA:
            size += len(value) if isinstance(value, memoryview) else 8
    if outside:
        return "has weights in another file"
    # Each number takes a bit at least: types of 4 bits are packed in pairs.
    if not 0 <= elements <= min(_MAX_ELEMENTS, 8 * size):
        return f"announces {elements:,} numbers where the file holds {size:,} bytes"
    return ""


def _is_too_large(number: int) -> bool:
    return _MAX_ATTRIBUTE < abs(number) < _LARGEST_END


def _fields(message: Message, budget: _Budget) -> Iterator[tuple[int, Value]]:
    """Yield the fields of a message: numbers, and the bytes of everything else.

    Raises:
        ValueError: The bytes are no message.
    """
    place, end = 0, len(message)
    while place < end:
        budget.take()
        key, place = _number(message, place)
        field, kind = key >> 3, key & 7
        if kind == 0:
            number, place = _number(message, place)
            yield field, number
            continue
        if kind == 2:
            length, place = _number(message, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"field {field} is of a kind that ONNX has not")
        if not field or length > end - place:
            raise ValueError(f"field {field} reaches beyond the end")
        yield field, message[place : place + length]
        place += length


def _number(message: Message, place: int) -> tuple[int, int]:
    """Return the number at a place, in groups of 7 bits, and the place after it."""
    number = shift = 0
    while True:
        byte = message[place]
        number |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return number, place
        shift += 7
        if shift > 63:
            raise ValueError("a number has more than 64 bits")


def _integers(value: Value, budget: _Budget) -> Iterator[int]:
    """Yield the whole numbers of a field that holds one, or several in its bytes."""
    if isinstance(value, int):
        yield _signed(value)
        return
    place = 0
    while place < len(value):
        budget.take()
        number, place = _number(value, place)
        yield _signed(number)


def _product(numbers: Iterator[int]) -> int:
    """Return the product of dimensions; as soon as one is negative or it is far too large, what it then is."""
    product = 1
    for number in numbers:
        product *= number
        if number < 0 or product > 2**64:
            return -1 if number < 0 else product
    return product


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def _message(value: Value) -> Message:
    if isinstance(value, int):
        raise ValueError("a number stands where a message was expected")  # noqa: TRY004 - the file is wrong
    return value
