"""SOFTMAX.

The kernel (`Softmax` in tensorflow/lite/kernels/internal/reference/softmax.h) calculates in fixed point: a
difference of logits becomes a number with 5 integer and 26 fraction bits, and gemmlowp's
`exp_on_negative_values` (fixedpoint/fixedpoint.h) one with 31 fraction bits. There are only 256 differences,
so all that is done here, in Python's integers, and what is left for C is a sum, a reciprocal and a product.
"""

import numpy as np

from ...arithmetic.fixed_point import Match, high_product, quantize_multiplier
from ...arithmetic.gemmlowp import exp_of_negative
from ...graph.ir import Lowered, Node, Shape, Step, Table
from ...graph.rows import Rows
from ...lowering.common import require
from .. import Operator

# The sum has 12 integer bits, so that more equal logits than this overflow it.
_MOST_CLASSES = 4095
_LEAST, _TOLERANCE = -128, 0.001
_INTEGER_BITS = 5
_FRACTION_BITS = 31 - _INTEGER_BITS
_LARGEST_FACTOR = 2**31 - 1.0


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
    if output.zero_point != _LEAST or abs(output.scale * 256 - 1) > _TOLERANCE:
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
        exp_of_negative(high_product(-difference << multiplier.exponent, multiplier.value), _INTEGER_BITS)
        if difference <= radius
        else 0
        for difference in range(256)
    )


OPERATOR = Operator(
    "SOFTMAX", shapes, lower, rounding="fixed point", notes="the last axis, up to 4095 classes"
)
