"""gemmlowp's functions on 32-bit fixed point (fixedpoint/fixedpoint.h), in Python's integers.

A number has `integer_bits` bits before the point and 31 less that after it; F0 has none before it.
"""

from .fixed_point import high_product, rounded_shift

ONE = 2**31 - 1  # in F0
_HALF = 1 << 30
_ONE_IN_F2 = 1 << 29
# exp(-1/8), 1/3, and exp(-2**k) for k = -2..4, all with 31 fraction bits; 48/17 and -32/17 with 29.
_EXP_OF_MINUS_AN_EIGHTH = 1895147668
_THIRD = 715827883
_EXPS_OF_MINUS_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_48_OVER_17 = 1515870810
_MINUS_32_OVER_17 = -1010580540


def exp_of_negative(value: int, integer_bits: int) -> int:
    """Return exp(value) in F0, for a value of at most 0."""
    if value == 0:
        return ONE
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    below = (value & (quarter - 1)) - quarter  # -1/4 <= below < 0, and value - below a multiple of 1/4
    result = _exp_of_part_of_a_quarter(below << integer_bits)
    for position, exp_of_power in enumerate(_EXPS_OF_MINUS_POWERS[: integer_bits + 2]):
        if (below - value) >> (fraction_bits - 2 + position) & 1:
            result = high_product(result, exp_of_power)
    return result


def _exp_of_part_of_a_quarter(value: int) -> int:
    """Return exp(value), both in F0, for -1/4 <= value < 0, by four terms around -1/8."""
    x = value + (1 << 28)
    x2 = high_product(x, x)
    x3 = high_product(x2, x)
    x4 = high_product(x2, x2)
    terms = high_product(rounded_shift(x4, 2) + x3, _THIRD) + x2
    product = high_product(_EXP_OF_MINUS_AN_EIGHTH, x + rounded_shift(terms, 1))
    return min(_EXP_OF_MINUS_AN_EIGHTH + product, ONE)


def _reciprocal_of_half_sum(value: int) -> int:
    """Return 2 / (1 + value) in F2, for a value from 0 to 1 in F0, by three steps of Newton and Raphson."""
    half = (value + ONE + 1) // 2
    x = _48_OVER_17 + high_product(half, _MINUS_32_OVER_17)
    for _ in range(3):
        x += _saturated(high_product(x, _ONE_IN_F2 - high_product(half, x)) << 2)
    return x


def logistic(value: int, integer_bits: int) -> int:
    """Return 1 / (1 + exp(-value)) in F0."""
    if value == 0:
        return _HALF
    positive = _saturated(_reciprocal_of_half_sum(exp_of_negative(-abs(value), integer_bits)) << 1)
    return positive if value > 0 else ONE - positive


def tanh(value: int, integer_bits: int) -> int:
    """Return the hyperbolic tangent in F0."""
    if value == 0:
        return 0
    # the same bits with an integer bit more are twice the value
    exp = exp_of_negative(-abs(value), integer_bits + 1)
    positive = _saturated((_reciprocal_of_half_sum(exp) - _ONE_IN_F2) << 2)
    return positive if value > 0 else -positive


def _saturated(value: int) -> int:
    return min(max(value, -(2**31)), 2**31 - 1)
