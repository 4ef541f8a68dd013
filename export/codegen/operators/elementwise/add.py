"""ADD and SUB."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match, Multiplier, quantize_multiplier, rounding_twice
from ...graph.ir import Lowered, Node, Shape, Step, Struct, Value
from ...lowering.common import (
    activation_range,
    broadcast_shape,
    broadcast_strides,
    elementwise_rows,
    folded_integers,
    require,
)
from .. import Operator

_MORE_BITS = 20


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (broadcast_shape(node),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `add`. LiteRT and TensorFlow Lite Micro round alike, twice.

    As `PrepareGeneralSubOp` in TensorFlow Lite, twice the larger scale is common to both inputs; the
    quotients are of single precision in the divisor only.
    """
    inputs, output = (node.input(0), node.input(1)), node.outputs[0]
    for tensor in (*inputs, output):
        require(node, tensor, ("int8",))
    common = float(np.float32(2) * max(tensor.scale for tensor in inputs))
    first, second = (quantize_multiplier(float(tensor.scale) / common) for tensor in inputs)
    last = quantize_multiplier(common / float(np.float32(2**_MORE_BITS) * output.scale))
    if node.operator == "ADD" and last.exponent > 0:
        raise node.error("its output's scale is too small for its inputs'", received=output.scale)
    shape = {
        **broadcast_strides(node, inputs),
        "sign": 1 if node.operator == "ADD" else -1,
        "output_rounding": int(rounding_twice([last])),
    }
    values: dict[str, Value] = {
        "first": _addend(inputs[0].zero_point, first),
        "second": _addend(inputs[1].zero_point, second),
        "multiplier": last.value,
        "exponent": last.exponent,
        "range": activation_range(node, output),
    }
    return [Step(node, "add", shape, inputs, (output,), (), values, elementwise_rows(node, inputs))]


def fold(node: Node) -> tuple[NDArray[Any], ...] | None:
    """Return the sum of integers without scales that are known before anything runs."""
    first, second = (folded_integers(node, position) for position in (0, 1))
    if first is None or second is None:
        return None
    return (first + second if node.operator == "ADD" else first - second,)


def _addend(zero_point: int, multiplier: Multiplier) -> Struct:
    return Struct("addend", (-zero_point, multiplier.value, multiplier.exponent))


OPERATORS = tuple(
    Operator(name, shapes, lower, fold, rounding="twice", notes="broadcasts; an input may be a constant")
    for name in ("ADD", "SUB")
)
