"""PAD and PADV2."""

from typing import Any

from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape, Step
from ...lowering.common import require
from ...lowering.moving import copy_steps
from .. import Operator


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    paddings = node.constant(1).reshape(-1, 2)
    shape = node.input(0).shape
    if len(paddings) != len(shape) or (paddings < 0).any():
        raise node.error(
            "its paddings", received=paddings.tolist(), expected="two of at least 0 for each axis"
        )
    return (tuple(int(size + before + after) for size, (before, after) in zip(shape, paddings, strict=True)),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the calls of the kernels `fill` and `copy`."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8", "uint8"))
    require(node, output, (source.dtype,))
    if (source.scale, source.zero_point) != (output.scale, output.zero_point):
        raise node.error("its output has another scale than its input", received=output.scale)
    value = output.zero_point
    if node.has_input(2):
        value = int(node.constant(2).ravel()[0])
    starts = [int(before) for before, _ in node.constant(1).reshape(-1, 2)]

    def inner(array: NDArray[Any]) -> NDArray[Any]:
        return array[tuple(slice(at, at + size) for at, size in zip(starts, source.shape, strict=True))]

    fill = Step(node, "fill", {"size": output.size}, (), (output,), (), {"value": value})
    return [fill, *copy_steps(node, source, output, write=inner)]


OPERATORS = tuple(Operator(name, shapes, lower, element_types=("int8", "uint8")) for name in ("PAD", "PADV2"))
