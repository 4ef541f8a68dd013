"""The exponentials of LiteRT's reference softmax for 8 bits, as a table.

That kernel (`Softmax` in tensorflow/lite/kernels/internal/reference/softmax.h) calculates in fixed point: a
difference of logits becomes a number with 5 integer and 26 fraction bits, and gemmlowp's
`exp_on_negative_values` (fixedpoint/fixedpoint.h) one with 31 fraction bits. There are only 256 differences,
so all that is done here, in Python's integers, and what is left for C is a sum, a reciprocal and a product.
"""

import numpy as np

from .fixed_point import to_factor

_ONE = 2**31 - 1
_INTEGER_BITS = 5
_FRACTION_BITS = 31 - _INTEGER_BITS
_LARGEST_MULTIPLIER = 2**30 - 1.0
# gemmlowp's constants: exp(-1/8), 1/3, and exp(-2**k) for k = -2..4, all with 31 fraction bits.
_EXP_OF_MINUS_AN_EIGHTH = 1895147668
_THIRD = 715827883
_EXPS_OF_MINUS_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def exponentials(scale: np.float32, beta: float) -> tuple[int, ...]:
    """Return exp(-scale * beta * difference) with 31 fraction bits, for the differences 0 to 255.

    Raises:
        ConversionError: The scale is not a positive number.
    """
    factor = to_factor(min(beta * float(scale) * 2**_FRACTION_BITS, _LARGEST_MULTIPLIER))
    # The left shift of `PreprocessSoftmaxScaling`, and what is taken for 0 by `CalculateInputRadius`.
    left_shift = 31 - factor.shift
    radius = ((2**_INTEGER_BITS - 1) << _FRACTION_BITS) >> max(left_shift, 0)
    half = 1 << (factor.shift - 1)
    return tuple(
        _exp(-((difference * factor.multiplier + half - 1) >> factor.shift)) if difference <= radius else 0
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
            result = _high_product(result, exp_of_power)
    return result


def _exp_of_part_of_a_quarter(value: int) -> int:
    """Return exp(value), all with 31 fraction bits, for -1/4 <= value < 0, by four terms around -1/8."""
    x = value + (1 << 28)
    x2 = _high_product(x, x)
    x3 = _high_product(x2, x)
    x4 = _high_product(x2, x2)
    terms = _high_product(_rounded_shift(x4, 2) + x3, _THIRD) + x2
    product = _high_product(_EXP_OF_MINUS_AN_EIGHTH, x + _rounded_shift(terms, 1))
    return min(_EXP_OF_MINUS_AN_EIGHTH + product, _ONE)


def _high_product(a: int, b: int) -> int:
    """Return a * b / 2**31, rounded half away from 0: gemmlowp's `SaturatingRoundingDoublingHighMul`.

    Its nudge and its division, which rounds towards 0, are repeated as they are.
    """
    product = a * b
    nudged = product + ((1 << 30) if product >= 0 else 1 - (1 << 30))
    return nudged >> 31 if nudged >= 0 else -(-nudged >> 31)


def _rounded_shift(value: int, bits: int) -> int:
    """Return value / 2**bits, rounded half away from 0: gemmlowp's `RoundingDivideByPOT`."""
    mask = (1 << bits) - 1
    return (value >> bits) + ((value & mask) > (mask >> 1) + (value < 0))
