"""TILE and BROADCAST_TO: elements repeated."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape
from ...lowering.moving import copy_steps
from .. import Operator


def tiled(node: Node) -> tuple[Shape, ...]:
    """Return the shape of TILE's output."""
    counts = [int(count) for count in node.constant(1).ravel()]
    if len(counts) != len(node.input(0).shape):
        raise node.error("its counts are not one for each axis", received=counts)
    return (tuple(size * count for size, count in zip(node.input(0).shape, counts, strict=True)),)


def broadcast(node: Node) -> tuple[Shape, ...]:
    """Return the shape of BROADCAST_TO's output."""
    wanted = tuple(int(size) for size in node.constant(1).ravel())
    return (np.broadcast_shapes(node.input(0).shape, wanted),)


def lower(node: Node, _: Match) -> Lowered:
    """Return a copy that reads elements several times."""
    source, output = node.input(0).shape, node.outputs[0].shape
    if node.operator == "BROADCAST_TO":
        return copy_steps(node, node.input(0), node.outputs[0], lambda array: np.broadcast_to(array, output))
    pairs = [(large // small, small) for small, large in zip(source, output, strict=True)]
    apart = tuple(size for pair in pairs for size in pair)

    def repeated(array: NDArray[Any]) -> NDArray[Any]:
        ones = array.reshape([size for small in source for size in (1, small)])
        return np.broadcast_to(ones, apart)

    def split(array: NDArray[Any]) -> NDArray[Any]:
        return array.reshape(apart)

    return copy_steps(node, node.input(0), node.outputs[0], repeated, split)


OPERATORS = (
    Operator("TILE", tiled, lower, element_types=("any",), notes="not in TensorFlow Lite Micro"),
    Operator("BROADCAST_TO", broadcast, lower, element_types=("any",)),
)
