"""Real factors as integers: the fixed-point arithmetic of TensorFlow Lite.

A factor becomes a 31-bit multiplier and an exponent, `factor = multiplier * 2**(exponent - 31)`, as in
`QuantizeMultiplier` (tensorflow/lite/kernels/internal/quantization_util.cc). How a product is rounded belongs
to the operator: see `Rounding`.
"""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....runtime.errors import ConversionError

MULTIPLIER_BITS = 31
_LEAST_EXPONENT = -31
_LARGEST_EXPONENT = 30
_FAR = 2**40
_FAR_EXPONENT = -2  # what is shifted out is more than the lower word of a product
_HALF = 0.5


class Match(enum.Enum):
    """Whose bytes the C gives."""

    LITERT = "litert"
    TFLM = "tflm"


class Rounding(enum.IntEnum):
    """How a sum times a factor becomes an integer; the numbers are those of `kernels/requantize.c`.

    TWICE is gemmlowp's rounding high product, half up, and then its rounding shift, half away from zero. ONCE
    is one product and one rounding shift, half up; ONCE_BELOW the same with a half that is one unit smaller.
    TWICE_ANY is TWICE for exponents that may be 0 or more, ONCE_ANY is ONCE for those that may be -1 or more.
    """

    TWICE = 0
    TWICE_ANY = 1
    ONCE = 2
    ONCE_ANY = 3
    ONCE_BELOW = 4


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A real factor in fixed point.

    Attributes:
        value: 2**30 to 2**31 - 1, or 0; negative for a negative factor.
        exponent: The power of two that the fraction value * 2**-31 is multiplied by.
    """

    value: int
    exponent: int


def quantize_multiplier(factor: float) -> Multiplier:
    """Return a real factor in fixed point.

    Raises:
        ConversionError: It is no finite number, or 2**30 and more.
    """
    if not math.isfinite(factor):
        raise ConversionError("a quotient of scales is not a finite number", received=factor)
    if factor == 0:
        return Multiplier(0, 0)
    fraction, exponent = math.frexp(factor)
    value = round_half_away(fraction * 2**MULTIPLIER_BITS)
    if abs(value) == 2**MULTIPLIER_BITS:
        value, exponent = value // 2, exponent + 1
    if exponent < _LEAST_EXPONENT:
        return Multiplier(0, 0)
    if exponent > _LARGEST_EXPONENT:
        raise ConversionError(
            "a quotient of scales is too large for fixed point", received=factor, expected="below 2**30"
        )
    return Multiplier(value, exponent)


def round_half_away(value: float) -> int:
    """Return C's `round`: to the nearest integer, halves away from zero."""
    whole = math.floor(abs(value))
    nearest = whole + (abs(value) - whole >= _HALF)
    return nearest if value >= 0 else -nearest


def high_product(a: int, b: int) -> int:
    """Return a * b / 2**31, rounded half up: gemmlowp's `SaturatingRoundingDoublingHighMul`, unsaturated."""
    return (a * b + (1 << 30)) >> 31


def rounded_shift(value: int, bits: int) -> int:
    """Return value / 2**bits, rounded half away from zero: gemmlowp's `RoundingDivideByPOT`."""
    if bits == 0:
        return value
    return (value + (1 << (bits - 1)) - (value < 0)) >> bits


def wrap32(value: int) -> int:
    """Return what is left of an integer in 32 bits."""
    return (value + 2**31) % 2**32 - 2**31


def multiply(value: int, multiplier: Multiplier) -> int:
    """Return value times a factor, rounded twice: `MultiplyByQuantizedMultiplier`."""
    shifted = wrap32(value << max(multiplier.exponent, 0))
    return rounded_shift(high_product(shifted, multiplier.value), max(-multiplier.exponent, 0))


def rounding_twice(multipliers: Sequence[Multiplier]) -> Rounding:
    """Return the cheapest way to round twice that is right for all multipliers."""
    return Rounding.TWICE if all(one.exponent < 0 for one in multipliers) else Rounding.TWICE_ANY


def round_once(
    factors: NDArray[np.float64], reach: NDArray[np.int64], low: int, high: int
) -> tuple[list[Multiplier], Rounding]:
    """Return multipliers that round as a product in double precision does, for every sum that can occur.

    LiteRT's reference FULLY_CONNECTED calculates `round(double(sum) * factor)`. The result never falls as the
    sum grows, so that it is known by the least sum that gives each result: a multiplier is right if it is
    right there and one below. The nearest one, with a half rounded up, nearly always is; else a neighbour of
    it is, or one with a half that is one unit smaller, which sends ties away from zero.

    Args:
        factors: The real factors, one for each channel.
        reach: The largest absolute sum of each channel.
        low: The least result that is not clamped.
        high: The largest result that is not clamped.

    Raises:
        ConversionError: No multiplier of 31 bits is right for all sums.
    """
    for rounding in (Rounding.ONCE, Rounding.ONCE_BELOW):
        found = [
            _search(float(factor), int(most), low, high, rounding)
            for factor, most in zip(factors, reach, strict=True)
        ]
        if all(found):
            multipliers = [one for one in found if one]
            far = all(one.exponent <= _FAR_EXPONENT for one in multipliers)
            return multipliers, Rounding.ONCE_ANY if rounding is Rounding.ONCE and not far else rounding
    raise ConversionError("no multiplier of 31 bits rounds a layer's sums as double precision does")


def _search(factor: float, reach: int, low: int, high: int, rounding: Rounding) -> Multiplier | None:
    nearest = quantize_multiplier(factor)
    results = np.arange(low + 1, high + 1)
    least = _least_sums(factor, results)
    kept = (least <= reach) & (least > -reach)
    sums = np.concatenate([least[kept], least[kept] - 1, [-reach, reach]])
    wanted = _rounded(sums, factor).clip(low, high)
    offsets = [0, *(sign * size for size in range(1, 17) for sign in (1, -1))]
    for offset in offsets:
        tried = Multiplier(nearest.value + offset, nearest.exponent)
        if 0 <= tried.value < 2**MULTIPLIER_BITS and np.array_equal(
            _once(sums, tried, rounding).clip(low, high), wanted
        ):
            return tried
    return None


def _rounded(sums: NDArray[np.int64], factor: float) -> NDArray[np.int64]:
    """Return C's `round(double(sum) * factor)`, kept within what is compared."""
    products = sums.astype(np.float64) * factor
    whole = np.floor(np.abs(products))
    nearest = np.sign(products) * (whole + (np.abs(products) - whole >= _HALF))
    rounded: NDArray[np.int64] = nearest.clip(-_FAR, _FAR).astype(np.int64)
    return rounded


def _least_sums(factor: float, results: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each result the least sum to which `_rounded` gives at least that."""
    if factor == 0:
        return np.full(len(results), _FAR)
    guesses = np.ceil((results - 0.5) / factor).clip(-_FAR, _FAR).astype(np.int64)
    around = guesses[:, None] + np.arange(-2, 4)
    enough = _rounded(around.ravel(), factor).reshape(around.shape) >= results[:, None]
    found: NDArray[np.int64] = around[np.arange(len(results)), enough.argmax(axis=1)]
    return found


def _once(sums: NDArray[np.int64], multiplier: Multiplier, rounding: Rounding) -> NDArray[np.int64]:
    shift = MULTIPLIER_BITS - multiplier.exponent
    half = (1 << (shift - 1)) - (rounding is Rounding.ONCE_BELOW)
    return (sums * multiplier.value + half) >> shift
