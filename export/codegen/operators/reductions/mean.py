"""MEAN."""

from collections.abc import Mapping

import numpy as np

from ...arithmetic.fixed_point import Match, Multiplier, quantize_multiplier, rounding_twice
from ...graph.ir import Lowered, Node, Shape, Step, Struct, Value
from ...graph.rows import Rows
from ...lowering.common import limits_of, require
from .. import Operator

_FIELDS = ("kept0", "reduced1", "kept2", "reduced3", "kept4")


def axes_of(node: Node) -> set[int]:
    """Return the axes that it sums over."""
    rank = len(node.input(0).shape)
    axes = {int(axis) % rank for axis in node.constant(1).ravel() if -rank <= axis < rank}
    if rank and len(axes) == 0 and node.constant(1).size:
        raise node.error("an axis that its input has not", received=node.constant(1).tolist())
    return axes


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    axes, shape = axes_of(node), node.input(0).shape
    if node.options.get("keepDims"):
        return (tuple(1 if axis in axes else size for axis, size in enumerate(shape)),)
    return (tuple(size for axis, size in enumerate(shape) if axis not in axes),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `mean`; as `QuantizedMeanOrSum` of TensorFlow Lite, rounded twice."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8",))
    require(node, output, ("int8",))
    fields = reduced_fields(node)
    multiplier = _divided(
        quantize_multiplier(float(source.scale) / float(output.scale)),
        fields["reduced1"] * fields["reduced3"],
    )
    shape = {**fields, "rounding": int(rounding_twice([multiplier]))}
    values: dict[str, Value] = {
        "zero": source.zero_point,
        "multiplier": multiplier.value,
        "exponent": multiplier.exponent,
        "range": Struct("range", (output.zero_point, *limits_of("int8"))),
    }
    overlap = reduced_rows(node, shape)
    return [Step(node, "mean", shape, (source,), (output,), (), values, (overlap,))]


def reduced_fields(node: Node) -> dict[str, int]:
    """Return the sizes of kept and reduced neighbouring axes in turn.

    Raises:
        ConversionError: There are more than two groups of reduced ones.
    """
    groups = _groups(node.input(0).shape, axes_of(node))
    if len(groups) > len(_FIELDS):
        raise node.error("its axes are no two groups of neighbours", received=node.constant(1).tolist())
    return dict(zip(_FIELDS, groups + [1] * (len(_FIELDS) - len(groups)), strict=True))


def reduced_rows(node: Node, fields: Mapping[str, int]) -> Rows:
    """Return how a kernel walks that reduces axes."""
    count = fields["kept0"]
    done = np.arange(count, dtype=np.int64) * (node.input(0).size // count)
    return Rows(node.outputs[0].size // count, done)


def _groups(shape: Shape, axes: set[int]) -> list[int]:
    """Return the products of kept and of summed neighbouring axes in turn, the first kept."""
    groups = [1]
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        if (axis in axes) == (len(groups) % 2 == 0):
            groups[-1] *= size
        else:
            groups.append(size)
    return groups


def _divided(multiplier: Multiplier, count: int) -> Multiplier:
    """Return a multiplier over the number of elements, with as many bits as fit."""
    shift = min(count.bit_length() - 1, 32, 31 + multiplier.exponent)
    return Multiplier((multiplier.value << shift) // count, multiplier.exponent - shift)


OPERATOR = Operator(
    "MEAN", shapes, lower, rounding="twice", notes="any axes that are at most two groups of neighbours"
)
