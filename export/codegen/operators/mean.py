"""MEAN."""

import numpy as np

from ..fixed_point import Match, Multiplier, quantize_multiplier, rounding_twice
from ..ir import Lowered, Node, Rows, Shape, Step, Struct
from ..lowering import limits_of, require
from . import Operator

_GROUPS = 5


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
    groups = _groups(source.shape, axes_of(node))
    if len(groups) > _GROUPS:
        raise node.error("its axes are no two groups of neighbours", received=f"{node.constant(1).tolist()}")
    kept0, summed1, kept2, summed3, kept4 = groups + [1] * (_GROUPS - len(groups))
    multiplier = _divided(quantize_multiplier(float(source.scale) / float(output.scale)), summed1 * summed3)
    shape = {
        "kept0": kept0,
        "summed1": summed1,
        "kept2": kept2,
        "summed3": summed3,
        "kept4": kept4,
        "rounding": int(rounding_twice([multiplier])),
    }
    values = {
        "zero": source.zero_point,
        "multiplier": multiplier.value,
        "exponent": multiplier.exponent,
        "range": Struct("range", (output.zero_point, *limits_of("int8"))),
    }
    done = np.arange(kept0, dtype=np.int64) * (source.size // max(kept0, 1))
    overlap = Rows(output.size // max(kept0, 1), done)
    return [Step(node, "mean", shape, (source,), (output,), (), values, (overlap,))]


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
