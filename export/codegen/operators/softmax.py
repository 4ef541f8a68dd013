"""SOFTMAX.

The kernel (`Softmax` in tensorflow/lite/kernels/internal/reference/softmax.h) calculates in fixed point: a
difference of logits becomes a number with 5 integer and 26 fraction bits, and gemmlowp's `exp_on_negative_values`
(fixedpoint/fixedpoint.h) one with 31 fraction bits. There are only 256 differences, so all that is done here, in
Python's integers, and what is left for C is a sum, a reciprocal and a product.
"""

import numpy as np

from ..fixed_point import Match, high_product, quantize_multiplier, rounded_shift
from ..ir import Lowered, Node, Rows, Shape, Step, Table
from ..lowering import require
from . import Operator

# The sum has 12 integer bits, so that more equal logits than this overflow it.
_MOST_CLASSES = 4095
_ONE = 2**31 - 1
_INTEGER_BITS = 5
_FRACTION_BITS = 31 - _INTEGER_BITS
_LARGEST_FACTOR = 2**31 - 1.0
# gemmlowp's constants: exp(-1/8), 1/3, and exp(-2**k) for k = -2..4, all with 31 fraction bits.
_EXP_OF_MINUS_AN_EIGHTH = 1895147668
_THIRD = 715827883
_EXPS_OF_MINUS_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (node.input(0).shape,)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `softmax`."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8",))
    require(node, output, ("int8",))
    classes = source.shape[-1] if source.shape else 0
    if not 1 <= classes <= _MOST_CLASSES:
        raise node.error("its number of classes", received=classes, expected=f"1 to {_MOST_CLASSES}")
    if output.zero_point != -128 or abs(output.scale * 256 - 1) > 0.001:
        raise node.error(
            "its output has not the scale of a SOFTMAX",
            received=f"{output.scale}, zero point {output.zero_point}",
            expected="1/256, zero point -128",
        )
    shape = {"rows": source.size // classes, "classes": classes}
    comment = f"exp(-{source.scale:.9g} * index), 31 fraction bits"
    table = Table(
        "exponentials", np.asarray(exponentials(source.scale, node.options["beta"]), np.int32), comment
    )
    overlap = Rows.in_step(source.size, 1, 1)
    return [Step(node, "softmax", shape, (source,), (output,), (table,), {}, (overlap,))]


def exponentials(scale: np.float32, beta: float) -> tuple[int, ...]:
    """Return exp(-scale * beta * difference) with 31 fraction bits, for the differences 0 to 255."""
    factor = min(float(np.float32(beta)) * float(scale) * 2**_FRACTION_BITS, _LARGEST_FACTOR)
    multiplier = quantize_multiplier(factor)
    # What is taken for 0 by `CalculateInputRadius`.
    radius = ((2**_INTEGER_BITS - 1) << _FRACTION_BITS) >> max(multiplier.exponent, 0)
    return tuple(
        _exp(high_product(-difference << multiplier.exponent, multiplier.value))
        if difference <= radius
        else 0
        for difference in range(256)
    )


def _exp(value: int) -> int:
    """Return exp(value), 31 fraction bits, for a value of at most 0 with 26 fraction bits."""
    if value == 0:
        return _ONE
    quarter = 1 << (_FRACTION_BITS - 2)
    below = (value & (quarter - 1)) - quarter  # -1/4 <= below < 0, and value - below a multiple of 1/4
    result = _exp_of_part_of_a_quarter(below << _INTEGER_BITS)
    for position, exp_of_power in enumerate(_EXPS_OF_MINUS_POWERS):
        if (below - value) >> (_FRACTION_BITS - 2 + position) & 1:
            result = high_product(result, exp_of_power)
    return result


def _exp_of_part_of_a_quarter(value: int) -> int:
    """Return exp(value), all with 31 fraction bits, for -1/4 <= value < 0, by four terms around -1/8."""
    x = value + (1 << 28)
    x2 = high_product(x, x)
    x3 = high_product(x2, x)
    x4 = high_product(x2, x2)
    terms = high_product(rounded_shift(x4, 2) + x3, _THIRD) + x2
    product = high_product(_EXP_OF_MINUS_AN_EIGHTH, x + rounded_shift(terms, 1))
    return min(_EXP_OF_MINUS_AN_EIGHTH + product, _ONE)


OPERATOR = Operator(
    "SOFTMAX", shapes, lower, rounding="fixed point", notes="the last axis, up to 4095 classes"
)
