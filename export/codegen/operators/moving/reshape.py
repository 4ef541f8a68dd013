"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same elements in the same order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match
from ...graph.ir import Alias, Lowered, Node, Shape
from .. import Operator


def reshape(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape, with the axis filled in that is -1."""
    source = node.input(0)
    wanted = node.options.get("newShape") if node.options else None
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        wanted = node.constant(1)
    if wanted is None:
        wanted = node.outputs[0].shape
    shape = [int(size) for size in np.ravel(wanted)]
    if shape.count(-1) == 1:
        known = int(np.prod([size for size in shape if size != -1], dtype=np.int64))
        shape[shape.index(-1)] = source.size // known if known else 0
    if int(np.prod(shape, dtype=np.int64)) != source.size or min(shape, default=0) < 0:
        raise node.error("its input does not fill its output", received=f"{source.shape} to {tuple(shape)}")
    return (tuple(shape),)


def squeeze(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape, without axes of size 1."""
    shape = node.input(0).shape
    named = node.options.get("squeezeDims")
    axes = (
        {int(axis) % len(shape) for axis in named}
        if named is not None and len(named)
        else set(range(len(shape)))
    )
    return (tuple(size for axis, size in enumerate(shape) if size != 1 or axis not in axes),)


def expand(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape, with an axis of size 1 more."""
    shape = list(node.input(0).shape)
    axis = int(node.constant(1).ravel()[0])
    shape.insert(axis if axis >= 0 else axis + len(shape) + 1, 1)
    return (tuple(shape),)


def lower(node: Node, _: Match) -> Lowered:
    """Return an alias."""
    return [Alias(node, node.input(0), node.outputs[0])]


def _fold(node: Node) -> tuple[NDArray[Any], ...] | None:
    data = node.input(0).data
    return None if data is None else (data.reshape(_SHAPES[node.operator](node)[0]),)


_SHAPES = {"RESHAPE": reshape, "SQUEEZE": squeeze, "EXPAND_DIMS": expand}
OPERATORS = tuple(
    Operator(name, shapes, lower, _fold, element_types=("any",), notes="moves no byte")
    for name, shapes in _SHAPES.items()
)
