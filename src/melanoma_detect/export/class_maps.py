"""Class maps: an output of ONNX models that says, at each position of the last feature maps, what speaks for each class.

A network that averages its last feature maps and ends in linear layers computes each logit as the mean of a map, plus a bias:
the feature maps, weighted by the class's weights, are its class activation map (Zhou et al. 2016, doi 10.1109/CVPR.2016.319).
The output uses the weights that the file holds already, so that the file hardly grows.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import onnx
from onnx import TensorProto, helper, numpy_helper

from melanoma_detect.inference.runtime import CLASS_MAPS, LOGITS

_UNCHANGED = frozenset({"Identity", "Squeeze", "Flatten", "Reshape", "Dropout"})  # what keeps the values of pooled maps
_DIMENSIONS = ("images", "rows", "columns", "classes")  # of the class maps
_PREFIX = f"{CLASS_MAPS}/"  # of the names of nodes and tensors that are added


class _Step(NamedTuple):
    """A linear operation to repeat at each position: the kind of its node, its further inputs and its attributes."""

    kind: str
    constants: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}


def add_class_maps(model: onnx.ModelProto) -> bool:
    """Add the output `class_maps` to an ONNX model, in place, if the model ends in linear layers over averaged feature maps.

    Args:
        model: A model with the output `logits`, `(n, classes)`.

    Returns:
        Whether the model has the output now: float32 `(n, rows, columns, classes)`. The mean of a class's map, plus a number
        that is the same for every image, is the class's logit. False for a model that flattens its feature maps, as `cnn` does,
        that has a layer after the averaging that is not linear or works on groups of channels, or whose maps have one cell
        only; it stays as it was.

    Examples:
        >>> from melanoma_detect.export.onnx import onnx_bytes
        >>> model = onnx.load_from_string(onnx_bytes(md.build_model("lesion_net", num_classes=9, input_shape=(64, 64, 3))))
        >>> remove_class_maps(model)
        >>> add_class_maps(model)
        True
        >>> [output.name for output in model.graph.output]
        ['features', 'logits', 'class_maps']
    """
    if any(output.name == CLASS_MAPS for output in model.graph.output):
        return True
    found = _linear_head(model.graph)
    if found is None:
        return False
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    extended.graph.node.extend(_class_map_nodes(*found))
    shape = _inferred_shape(extended)
    if not shape or shape[1:3] == [1, 1]:
        return False
    model.graph.node.extend(extended.graph.node[len(model.graph.node) :])
    model.graph.output.append(helper.make_tensor_value_info(CLASS_MAPS, TensorProto.FLOAT, shape))
    return True


def remove_class_maps(model: onnx.ModelProto) -> None:
    """Remove the output `class_maps` from an ONNX model, in place, with what only it needs.

    Args:
        model: An ONNX model, with or without that output.

    Examples:
        >>> model = onnx.load_from_string(detector.predictor.files.onnx)
        >>> remove_class_maps(model)
        >>> [output.name for output in model.graph.output]
        ['features', 'logits']
    """
    for entries in (model.graph.output, model.graph.node):
        kept: list[Any] = [entry for entry in entries if not _is_added(entry)]
        del entries[:]
        entries.extend(kept)


def _is_added(entry: onnx.NodeProto | onnx.ValueInfoProto) -> bool:
    names = entry.output if isinstance(entry, onnx.NodeProto) else [entry.name]
    return any(name == CLASS_MAPS or name.startswith(_PREFIX) for name in names)


def _linear_head(graph: onnx.GraphProto) -> tuple[str, list[_Step]] | None:
    """Return the last feature maps and the linear steps from there to the logits; None where there are no such maps."""
    producers = {name: node for node in graph.node for name in node.output}
    shapes = _constant_shapes(graph)
    steps: list[_Step] = []
    name = LOGITS
    while node := producers.get(name):
        axes = _averaged_axes(node, graph)
        if axes is not None:
            if axes == [2, 3]:
                steps.append(_Step("Transpose", attributes={"perm": [0, 2, 3, 1]}))
            return (node.input[0], steps[::-1]) if axes in ([1, 2], [2, 3]) else None
        linear = _linear_steps(node, shapes)
        if linear is None:
            return None
        name, own = linear
        steps += own[::-1]
    return None


def _inferred_shape(model: onnx.ModelProto) -> list[int | str]:
    """Return the shape of the class maps: numbers where ONNX can infer them, names elsewhere; empty where they have none."""
    inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    dimensions = [dim for info in inferred if info.name == CLASS_MAPS for dim in info.type.tensor_type.shape.dim]
    # No shape: a step cannot be repeated at each position, as where a layer after the averaging groups the channels.
    if len(dimensions) != len(_DIMENSIONS):
        return []
    return [dim.dim_value or name for dim, name in zip(dimensions, _DIMENSIONS, strict=True)]


def _constant_shapes(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight by its name, also of those that are stored in another type."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:  # in the order of computation
        if node.op_type == "Cast" and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
    return shapes


def _averaged_axes(node: onnx.NodeProto, graph: onnx.GraphProto) -> list[int] | None:
    """Return the axes over which an operation averages, of maps `(n, ., ., .)`; None for another operation."""
    if node.op_type == "GlobalAveragePool":
        return [2, 3]
    if node.op_type != "ReduceMean":
        return None
    axes = _attributes(node).get("axes")
    if axes is None and len(node.input) > 1:  # where operator sets from 18 on have them
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        axes = numpy_helper.to_array(tensors[node.input[1]]).tolist() if node.input[1] in tensors else None
    return sorted(axis % 4 for axis in axes or ())


def _linear_steps(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, list[_Step]] | None:
    """Return what a linear operation is applied to, and the steps to repeat; None for an operation that is not linear.

    A bias is no step: no position holds it.
    """
    first, *others = node.input
    if first in shapes and len(others) == 1 and node.op_type in ("Add", "Mul"):
        first, others = others[0], [first]
    if any(other not in shapes for other in others):
        return None
    if node.op_type in _UNCHANGED or node.op_type in ("Add", "Sub"):
        return first, []
    if node.op_type in ("Mul", "Div"):
        by_channel = all(side == 1 for side in shapes[others[0]][:-1])
        return (first, [_Step(node.op_type, (others[0],))]) if by_channel else None
    if node.op_type == "MatMul" and len(shapes[others[0]]) == 2:
        return first, [_Step("MatMul", (others[0],))]
    attributes = _attributes(node)
    plain = attributes.get("alpha", 1.0) == 1.0 and not attributes.get("transA")
    if node.op_type == "Gemm" and plain:
        return first, [_Step("MatMul", (others[0],), {"transposed": bool(attributes.get("transB"))})]
    return None


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _class_map_nodes(maps: str, steps: list[_Step]) -> Iterator[onnx.NodeProto]:
    """Yield the nodes from feature maps to class maps."""
    name, steps = maps, steps or [_Step("Identity")]  # a network may average one map for each class
    for number, step in enumerate(steps, 1):
        target = CLASS_MAPS if number == len(steps) else f"{_PREFIX}{number}"
        constants, attributes = list(step.constants), dict(step.attributes)
        if attributes.pop("transposed", False):
            turned = f"{_PREFIX}{number}:weights"
            yield helper.make_node("Transpose", constants, [turned], turned, perm=[1, 0])
            constants = [turned]
        yield helper.make_node(step.kind, [name, *constants], [target], f"{_PREFIX}{number}:node", **attributes)
        name = target
