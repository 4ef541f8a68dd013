"""ADD and SUB as one linear function: two products of 16 bits, twice, in place of three roundings.

An output depends on two bytes, so that all 65,536 pairs can be tried: where the exact quotients, with
something added, give the reference's byte for every pair, the kernel needs no other arithmetic.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import MULTIPLIER_BITS
from ..graph.ir import Step, Struct, Table

_MORE_BITS = 20  # of the reference's common scale
_LOW_BITS = 15  # of a factor, in a number of 16 bits with a sign
_MOST_FACTOR = 64  # so that the sum of two elements fits 16 bits
_OUTWARD = (0, 2**-24, 2**-20)  # how much larger factors are, so that ties go away from zero
_FAR = 2**62
_BYTES = np.arange(-128, 128)


def linear_table(step: Step) -> Table | None:
    """Return the function that a step computes; None where no linear one gives the same bytes.

    The table: both factors' low bits, both factors' high bits, each a pair of 16 bits; what is added to the
    products of the low ones; the bits of an element's fraction that the high ones have; what is added to an
    element.
    """
    numbers = step.values
    multiplier, exponent, limits = numbers["multiplier"], numbers["exponent"], numbers["range"]
    addends = [one for one in (numbers["first"], numbers["second"]) if isinstance(one, Struct)]
    if not (isinstance(multiplier, int) and isinstance(exponent, int) and isinstance(limits, Struct)):
        raise TypeError(f"ADD has {numbers!r}, expected integers and structs")
    zero, low, high = limits.fields
    signs = (1, step.shape["sign"])
    last = Fraction(multiplier) * Fraction(2) ** (exponent - MULTIPLIER_BITS + _MORE_BITS)
    factors = [
        sign * last * one.fields[1] * Fraction(2) ** (one.fields[2] - MULTIPLIER_BITS)
        for sign, one in zip(signs, addends, strict=True)
    ]
    if max(map(abs, factors)) >= _MOST_FACTOR:
        return None
    bits = _LOW_BITS
    while max(map(abs, factors)) * 2**bits >= 2**_LOW_BITS - 1:
        bits -= 1
    whole = bits + _LOW_BITS
    left, right = (_multiplied((_BYTES + one.fields[0]) << _MORE_BITS, *one.fields[1:]) for one in addends)
    sums = left[:, None] + signs[1] * right[None]
    results = _multiplied(sums, multiplier, exponent).clip(low - zero, high - zero)
    for more in _OUTWARD:
        first, second = (round(factor * (1 + Fraction(more)) * 2**whole) for factor in factors)
        products = _BYTES[:, None] * first + _BYTES[None] * second
        least = int(((results << whole) - products)[results > low - zero].max(initial=-_FAR))
        most = int((((results + 1) << whole) - products - 1)[results < high - zero].min(initial=_FAR))
        if least <= most:
            return Table("linear", _entries(first, second, _between(least, most), bits, zero))
    return None


def _between(least: int, most: int) -> int:
    """Return a number from the least to the most, of which one has no limit where all results are cut off."""
    if least == -_FAR:
        return most
    return least if most == _FAR else (least + most) // 2


def _entries(first: int, second: int, more: int, bits: int, zero: int) -> NDArray[np.int32]:
    mask = (1 << _LOW_BITS) - 1
    entries = (
        _pair(first & mask, second & mask),
        _pair(first >> _LOW_BITS, second >> _LOW_BITS),
        more & ((1 << (bits + _LOW_BITS)) - 1),
        bits,
        (more >> (bits + _LOW_BITS)) + zero,
    )
    return np.array(entries, np.int64).astype(np.int32)


def _multiplied(values: NDArray[np.int64], multiplier: int, exponent: int) -> NDArray[np.int64]:
    """Return values times a factor of at most 1, rounded twice: `fixed_point.multiply`."""
    product = (values * multiplier + (1 << (MULTIPLIER_BITS - 1))) >> MULTIPLIER_BITS
    half = (1 << -exponent) >> 1
    rounded: NDArray[np.int64] = (product + half - ((product < 0) & (exponent < 0))) >> -exponent
    return rounded


def _pair(low: int, high: int) -> int:
    """Return two numbers of 16 bits in one of 32."""
    return (low & 0xFFFF) | (high & 0xFFFF) << 16
