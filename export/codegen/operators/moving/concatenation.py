"""CONCATENATION and PACK."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape, Step, Tensor
from ...lowering.moving import View, copy_steps
from .. import Operator


def _inputs(node: Node) -> list[Tensor]:
    return [node.input(position) for position in range(len(node.inputs))]


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    inputs = _inputs(node)
    axis, first = _axis(node), inputs[0].shape
    others = {(*tensor.shape[:axis], *tensor.shape[axis + 1 :]) for tensor in inputs}
    if len(others) != 1 or {len(tensor.shape) for tensor in inputs} != {len(first)}:
        raise node.error("its inputs' shapes", received=[tensor.shape for tensor in inputs])
    return ((*first[:axis], sum(tensor.shape[axis] for tensor in inputs), *first[axis + 1 :]),)


def _axis(node: Node) -> int:
    rank, axis = len(node.input(0).shape), node.options["axis"]
    if not -rank <= axis < rank:
        raise node.error("an axis that its inputs have not", received=axis)
    return int(axis) % rank


def lower(node: Node, _: Match) -> Lowered:
    """Return a copy for each input.

    Raises:
        ConversionError: An input has another scale than the output, as in no file that LiteRT runs.
    """
    output, axis, start = node.outputs[0], _axis(node), 0
    if node.options.get("fusedActivationFunction", 0) != schema.ActivationFunctionType.NONE:
        raise node.error("there is no C for a fused activation here")
    steps: list[Step] = []
    for tensor in _inputs(node):
        if tensor.dtype != output.dtype or not _same_scale(tensor, output):
            raise node.error(
                "an input's element type or scale is not the output's",
                received=f"{tensor.name}: {tensor.dtype}, {tensor.scales.tolist()}",
            )
        steps += copy_steps(node, tensor, output, write=_part(axis, start, tensor.shape[axis]))
        start += tensor.shape[axis]
    return steps


def _same_scale(one: Tensor, other: Tensor) -> bool:
    return np.array_equal(one.scales, other.scales) and np.array_equal(one.zero_points, other.zero_points)


def _part(axis: int, start: int, size: int) -> View:
    return lambda array: array[(*(slice(None),) * axis, slice(start, start + size))]


def fold(node: Node) -> tuple[NDArray[Any], ...] | None:
    """Return the constants one after the other."""
    data = [tensor.data for tensor in _inputs(node)]
    known = [array for array in data if array is not None]
    return (np.concatenate(known, _axis(node)),) if len(known) == len(data) else None


def _pack_axis(node: Node) -> int:
    return int(node.options["axis"]) % (len(node.input(0).shape) + 1)


def pack_shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape, with an axis more."""
    shape = list(node.input(0).shape)
    shape.insert(_pack_axis(node), len(node.inputs))
    return (tuple(shape),)


def pack(node: Node, _: Match) -> Lowered:
    """Return a copy for each input."""
    axis = _pack_axis(node)

    def one(number: int) -> View:
        index: tuple[Any, ...] = (*(slice(None),) * axis, number, Ellipsis)
        return lambda array: array[index]

    return [
        step
        for number, tensor in enumerate(_inputs(node))
        for step in copy_steps(node, tensor, node.outputs[0], write=one(number))
    ]


def fold_pack(node: Node) -> tuple[NDArray[Any], ...] | None:
    """Return the constants beside each other."""
    known = [tensor.data for tensor in _inputs(node) if tensor.data is not None]
    return (np.stack(known, _pack_axis(node)),) if len(known) == len(node.inputs) else None


OPERATORS = (
    Operator("CONCATENATION", shapes, lower, fold, element_types=("any",)),
    Operator("PACK", pack_shapes, pack, fold_pack, element_types=("any",)),
)
