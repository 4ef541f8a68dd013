"""From a graph as the file has it to one with all shapes known, constants folded and nothing unused."""

from dataclasses import replace

import numpy as np

from ....runtime.errors import ConversionError
from ..operators import OPERATORS
from .ir import Graph, Node, Tensor
from .unsigned import without_signs

_MOST_BYTES = 2**31 - 1


def normalize(graph: Graph) -> Graph:
    """Return the same model with a batch as the file records it, 1 where it is dynamic.

    What is known before anything runs is calculated here, among it the shape arithmetic of dynamic batches:
    the operators SHAPE, STRIDED_SLICE and PACK between the input and a RESHAPE.

    Raises:
        ConversionError: An operator is none of the registry, or its shapes do not fit.
    """
    known = {tensor: _input(tensor) for tensor in graph.inputs}
    nodes: list[Node] = []
    for found in graph.nodes:
        node = replace(found, inputs=tuple(_now(known, tensor) for tensor in found.inputs))
        operator = OPERATORS.get(node.operator)
        if operator is None:
            raise node.error("there is no C for the operator", expected=", ".join(OPERATORS))
        try:
            values = operator.fold(node) if operator.fold else None
            shapes = operator.shapes(node) if values is None else ()
        except ConversionError:
            raise
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError) as error:
            raise node.error("its shapes or options do not fit", received=repr(error)) from error
        if values is not None:
            for tensor, value in zip(node.outputs, values, strict=True):
                known[tensor] = replace(tensor, data=np.asarray(value, tensor.dtype), shape=np.shape(value))
            continue
        shaped = tuple(
            replace(tensor, shape=tuple(int(size) for size in shape), data=None)
            for tensor, shape in zip(node.outputs, shapes, strict=True)
        )
        known |= dict(zip(node.outputs, shaped, strict=True))
        _check_sizes(node, shaped)
        nodes.append(replace(node, outputs=shaped))
    now = [_now(known, tensor) for tensor in graph.outputs]
    outputs = tuple(tensor for tensor in now if tensor is not None)
    inputs = tuple(known[tensor] for tensor in graph.inputs)
    needed = without_signs(_needed(nodes, set(outputs)), outputs)
    return replace(graph, inputs=inputs, outputs=outputs, nodes=needed)


def _input(tensor: Tensor) -> Tensor:
    return replace(tensor, shape=tuple(max(size, 1) for size in tensor.shape), data=None)


def _now(known: dict[Tensor, Tensor], tensor: Tensor | None) -> Tensor | None:
    if tensor is None or tensor.data is not None:
        return tensor
    if tensor not in known:
        raise ConversionError("an operator needs a tensor that none before it computes", received=tensor.name)
    return known[tensor]


def _check_sizes(node: Node, outputs: tuple[Tensor, ...]) -> None:
    for tensor in outputs:
        if min(tensor.shape, default=1) < 1 or tensor.size_bytes > _MOST_BYTES:
            raise node.error("an output of no size, or too large", received=tensor.shape)


def _needed(nodes: list[Node], outputs: set[Tensor]) -> tuple[Node, ...]:
    """Return the nodes whose outputs somebody needs."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed & set(node.outputs):
            kept.append(node)
            needed |= {tensor for tensor in node.inputs if tensor is not None}
    return tuple(reversed(kept))
