"""TRANSPOSE."""

from typing import Any

from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape
from ...lowering.moving import copy_steps
from .. import Operator


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (tuple(node.input(0).shape[axis] for axis in _order(node)),)


def _order(node: Node) -> tuple[int, ...]:
    rank = len(node.input(0).shape)
    order = tuple(int(axis) for axis in node.constant(1).ravel())
    if sorted(axis % rank for axis in order) != list(range(rank)):
        raise node.error("its axes are not those of its input", received=order)
    return tuple(axis % rank for axis in order)


def lower(node: Node, _: Match) -> Lowered:
    """Return a copy."""
    order = _order(node)

    def turned(array: NDArray[Any]) -> NDArray[Any]:
        return array.transpose(order)

    return copy_steps(node, node.input(0), node.outputs[0], read=turned)


OPERATOR = Operator(
    "TRANSPOSE", shapes, lower, element_types=("any",), notes="up to five axes that cannot be merged"
)
