"""ONNX models in one fixed form: the same network gives the same bytes in every process.

The exporter numbers what it adds, and orders constants, as Python's hashes fall, which differ from process to process. Here
nodes stand in the order in which the outputs need them; everything but inputs and outputs is named by its place in that order.
"""

import onnx


def make_canonical(model: onnx.ModelProto) -> None:
    """Order and name the parts of a model by its structure alone, in place.

    Args:
        model: A model without control flow, whose names do not matter but for those of its inputs and outputs.

    Examples:
        >>> model = onnx.load_from_string(predictor.files.onnx)
        >>> make_canonical(model)
        >>> [output.name for output in model.graph.output]
        ['features', 'logits']
    """
    graph = model.graph
    nodes = _ordered_nodes(graph)
    kept = {value.name for value in (*graph.input, *graph.output)}
    names: dict[str, str] = {name: name for name in kept}
    used = [name for node in nodes for name in node.input]
    constants = {tensor.name: tensor for tensor in graph.initializer}
    initializers = [constants[name] for name in dict.fromkeys(used) if name in constants]
    for index, tensor in enumerate(initializers):
        names.setdefault(tensor.name, f"constant_{index}")
    for index, node in enumerate(nodes):
        for place, name in enumerate(node.output):
            if name:
                names.setdefault(name, f"{node.op_type}_{index}" if place == 0 else f"{node.op_type}_{index}_{place}")
    for index, node in enumerate(nodes):
        node.name, node.doc_string = f"{node.op_type}_{index}", ""
        node.input[:] = [names[name] if name else "" for name in node.input]
        node.output[:] = [names[name] if name else "" for name in node.output]
        node.attribute.sort(key=lambda attribute: attribute.name)
    for tensor in initializers:
        tensor.name, tensor.doc_string = names[tensor.name], ""
    sorted_parts = onnx.GraphProto(node=nodes, initializer=initializers)  # copies
    # Shapes that ONNX Runtime works out itself, and the number of Keras's model, have no use.
    for name in ("node", "initializer", "value_info", "doc_string"):
        graph.ClearField(name)
    graph.node.extend(sorted_parts.node)
    graph.initializer.extend(sorted_parts.initializer)
    _name_dimensions(graph)
    model.opset_import.sort(key=lambda opset: opset.domain)


def _name_dimensions(graph: onnx.GraphProto) -> None:
    """Number the names of sizes that are not fixed: the exporter counts them through all that it has exported."""
    values = (*graph.input, *graph.output)
    named = [dim for value in values for dim in value.type.tensor_type.shape.dim if dim.HasField("dim_param")]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(dim.dim_param for dim in named))}
    for dim in named:
        dim.dim_param = f"size_{numbers[dim.dim_param]}"


def _ordered_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes that the outputs need, each after those that it needs, in the order of outputs and inputs."""
    makers = {name: node for node in graph.node for name in node.output if name}
    ordered: list[onnx.NodeProto] = []
    placed: set[str] = set()  # by the first output: names of nodes need not be unique
    stack = [(value.name, False) for value in reversed(graph.output)]
    while stack:
        name, ready = stack.pop()
        node = makers.get(name)
        if node is None or node.output[0] in placed:
            continue
        if ready:
            placed.add(node.output[0])
            ordered.append(node)
            continue
        stack.append((name, True))
        stack += [(needed, False) for needed in reversed(node.input)]
    return ordered
