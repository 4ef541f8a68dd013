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
    of_width,
    require,
)
from .. import Operator
from .add import NOTES, arithmetic_float


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (broadcast_shape(node),)


def lower(node: Node, match: Match) -> Lowered:
    """Return the call of the kernel `mul`; LiteRT's factor is of single precision."""
    inputs, output = (node.input(0), node.input(1)), node.outputs[0]
    if output.dtype == "float32":
        return [arithmetic_float(node)]
    require(node, inputs[0], ("int8", "int16"))
    for tensor in (*inputs, output):
        require(node, tensor, (inputs[0].dtype,))
    scales = [tensor.scale if match is Match.LITERT else float(tensor.scale) for tensor in (*inputs, output)]
    multiplier = quantize_multiplier(float(scales[0] * scales[1] / scales[2]))
    shape = {**broadcast_strides(node, inputs), "rounding": int(rounding_twice([multiplier]))}
    values: dict[str, Value] = {
        "left_offset": -inputs[0].zero_point,
        "right_offset": -inputs[1].zero_point,
        "multiplier": multiplier.value,
        "exponent": multiplier.exponent,
        "range": activation_range(node, output),
    }
    return [
        Step(
            node,
            of_width("mul", output),
            shape,
            inputs,
            (output,),
            (),
            values,
            elementwise_rows(node, inputs),
        )
    ]


def fold(node: Node) -> tuple[NDArray[Any], ...] | None:
    """Return the product of integers without scales that are known before anything runs."""
    first, second = (folded_integers(node, position) for position in (0, 1))
    return None if first is None or second is None else (first * second,)


OPERATOR = Operator("MUL", shapes, lower, fold, rounding="twice", int16="twice", notes=NOTES)
