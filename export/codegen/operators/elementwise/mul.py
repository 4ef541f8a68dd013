"""MUL."""

from typing import Any

from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match, quantize_multiplier, rounding_twice
from ...graph.ir import Lowered, Node, Shape, Step, Value
from ...lowering.common import (
    activation_range,
    broadcast_shape,
    broadcast_strides,
    elementwise_rows,
    folded_integers,
    require,
)
from .. import Operator


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (broadcast_shape(node),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `mul`; its factor is of single precision, as in TensorFlow Lite."""
    inputs, output = (node.input(0), node.input(1)), node.outputs[0]
    for tensor in (*inputs, output):
        require(node, tensor, ("int8",))
    multiplier = quantize_multiplier(float(inputs[0].scale * inputs[1].scale / output.scale))
    shape = {**broadcast_strides(node, inputs), "rounding": int(rounding_twice([multiplier]))}
    values: dict[str, Value] = {
        "left_offset": -inputs[0].zero_point,
        "right_offset": -inputs[1].zero_point,
        "multiplier": multiplier.value,
        "exponent": multiplier.exponent,
        "range": activation_range(node, output),
    }
    return [Step(node, "mul", shape, inputs, (output,), (), values, elementwise_rows(node, inputs))]


def fold(node: Node) -> tuple[NDArray[Any], ...] | None:
    """Return the product of integers without scales that are known before anything runs."""
    first, second = (folded_integers(node, position) for position in (0, 1))
    return None if first is None or second is None else (first * second,)


OPERATOR = Operator(
    "MUL", shapes, lower, fold, rounding="twice", notes="broadcasts; an input may be a constant"
)
