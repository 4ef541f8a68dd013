"""What layers of sums of products share where elements have 16 bits: 64-bit biases, and multipliers for them.

TensorFlow Lite rounds such sums by `MultiplyByQuantizedMultiplier` for 64 bits, with 15 bits of the
multiplier; where the bias has 32 bits, sums have too, and are rounded as others are, twice. LiteRT's
reference FULLY_CONNECTED rounds a product in double precision once. See `kernels/wide.c`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ..arithmetic.fixed_point import (
    MULTIPLIER_BITS,
    Match,
    Multiplier,
    Rounding,
    least_sums,
    round_in_double,
)
from ..graph.ir import Node, Table
from .sums import exponents

_LARGEST_SUM = 2**47  # what `MultiplyByQuantizedMultiplier` takes
_LARGEST_EXPONENT = 7  # of it
_ACCUMULATOR, _LARGEST_LIMB, _OFFSETS = 62, 31, 17
_WIDEST = 2**15
_NARROW_SUM = 2**31
_FAR = 2**31
_REDUCED_BITS = 15
_BEYOND = 2.0**17  # a result of 16 bits is cut off before
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Wide:
    """How the sums of a layer are scaled: the table of multipliers, and fields of the kernel's struct.

    Attributes:
        multipliers: One for each channel.
        rounding: How.
        bits: Of half a multiplier, with `Rounding.ONCE_WIDE`.
    """

    multipliers: Sequence[Multiplier]
    rounding: Rounding
    bits: int = 0

    def tables(self) -> tuple[Table, Table]:
        """Return the multipliers and their exponents as tables."""
        values = np.asarray([one.value for one in self.multipliers], np.int64)
        return Table("multiplier", values), exponents(self.multipliers)


def wide_bias(node: Node, channels: int, match: Match) -> tuple[NDArray[np.int64], bool]:
    """Return input 2, or zeros where it is left out, and whether sums have 32 bits.

    LiteRT takes the bias for 64 bits unless the layer's option says otherwise, TensorFlow Lite Micro asks the
    bias where there is one.

    Raises:
        ConversionError: It is neither int32 nor int64, or LiteRT would take it for something else.
    """
    said = node.options.get("quantizedBiasType", schema.TensorType.FLOAT32)
    narrow = said == schema.TensorType.INT32
    if not node.has_input(2):
        return np.zeros(channels, np.int64), narrow
    bias, dtype = node.constant(2), node.input(2).dtype
    if dtype not in {"int32", "int64"} or bias.size != channels:
        raise node.error(
            "its bias is not one integer for each output channel",
            received=f"{dtype} {bias.shape}",
            expected=f"int64 ({channels},), or int32",
        )
    if match is Match.LITERT and narrow != (dtype == "int32"):
        raise node.error(
            "LiteRT takes its bias for another type than it has",
            received=dtype,
            expected="int32" if narrow else "int64, or quantized_bias_type INT32",
        )
    return bias.ravel().astype(np.int64), dtype == "int32"


def wide_reach(node: Node, rows: NDArray[Any], bias: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the largest absolute sum of each channel.

    Raises:
        ConversionError: It is more than TensorFlow Lite's 64-bit arithmetic takes.
    """
    if int(np.abs(bias.astype(np.float64)).max(initial=0)) >= _LARGEST_SUM:
        raise node.error("its bias does not fit 47 bits", received=int(bias[np.abs(bias).argmax()]))
    reach: NDArray[np.int64] = np.abs(rows.astype(np.int64)).sum(axis=1) * _WIDEST + np.abs(bias)
    if int(reach.max(initial=0)) >= _LARGEST_SUM:
        raise node.error(
            "a sum might not fit 47 bits", received=int(reach.max()), expected=f"below {_LARGEST_SUM}"
        )
    return reach


def reduced(node: Node, multipliers: Sequence[Multiplier], *, narrow: bool) -> Wide:
    """Return how TensorFlow Lite's fixed point scales sums, of 32 bits or of 64.

    Raises:
        ConversionError: A multiplier is larger than it takes.
    """
    if narrow:
        return Wide(multipliers, Rounding.TWICE_ANY)
    largest = max((one.exponent for one in multipliers), default=0)
    if largest > _LARGEST_EXPONENT:
        raise node.error(
            "its output's scale is too small for its sums",
            received=f"a factor of 2**{largest}",
            expected=f"up to 2**{_LARGEST_EXPONENT}",
        )
    shift = MULTIPLIER_BITS - _REDUCED_BITS
    most = 2**_REDUCED_BITS - 1
    short = [
        Multiplier(min((one.value + (1 << (shift - 1))) >> shift, most), one.exponent) for one in multipliers
    ]
    return Wide(short, Rounding.REDUCED)


def once(
    node: Node,
    factors: NDArray[np.float64],
    reach: NDArray[np.int64],
    limits: tuple[int, int],
    *,
    narrow: bool,
) -> Wide:
    """Return multipliers that round as a product in double precision does, for every sum that can occur.

    Args:
        node: The layer.
        factors: The real factors, one for each channel.
        reach: The largest absolute sum of each channel.
        limits: The least and the largest result that are not clamped.
        narrow: Whether sums have 32 bits.

    Raises:
        ConversionError: No multiplier is right for all sums, or a result might not fit 32 bits.
    """
    reach = np.minimum(reach, _NARROW_SUM) if narrow else reach
    if np.any(reach * factors >= _FAR):
        raise node.error("a scaled sum might not fit 32 bits", received=float((reach * factors).max()))
    needed = min(float(reach.max(initial=0)), _BEYOND / float(factors.min()))
    bits = min(_LARGEST_LIMB, _ACCUMULATOR - int(needed).bit_length())
    found: dict[float, Multiplier] = {}
    for factor in np.unique(factors).tolist():
        most = int(reach[factors == factor].max())
        multiplier = _search(factor, most, limits, bits)
        if multiplier is None:
            raise node.error("no multiplier rounds its sums as double precision does", received=factor)
        found[factor] = multiplier
    return Wide([found[factor] for factor in factors.tolist()], Rounding.ONCE_WIDE, bits)


@lru_cache(maxsize=_KEPT)  # the same layer is lowered for each variant
def _search(factor: float, reach: int, limits: tuple[int, int], bits: int) -> Multiplier | None:
    low, high = limits
    _, exponent = np.frexp(factor)
    shift = min(max(bits - int(exponent), 1), _ACCUMULATOR - 1)
    nearest = round(factor * 2.0 ** (bits + shift))
    results = np.arange(max(low, round(-reach * factor) - 1) + 1, min(high, round(reach * factor) + 1) + 1)
    least = least_sums(factor, _close(factor, results, bits))
    kept = least[(least <= reach) & (least > -reach)]
    sums = np.concatenate([kept, kept - 1, [-reach, reach]])
    wanted = round_in_double(sums, factor).clip(low, high)
    most = 2 ** (_ACCUMULATOR - bits) - 1
    sums = sums.clip(-most, most)
    for offset in (0, *(sign * size for size in range(1, _OFFSETS) for sign in (1, -1))):
        value = nearest + offset
        if 0 <= value < 2 ** (2 * bits):
            upper, lower = sums * (value >> bits), sums * (value & ((1 << bits) - 1))
            scaled = (upper + (lower >> bits) + (1 << (shift - 1))) >> shift
            if np.array_equal(scaled.clip(low, high), wanted):
                return Multiplier(value, shift)
    return None


def _close(factor: float, results: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Return the results that begin so close to a half that a multiplier might begin them at another sum.

    A multiplier is at most 17 of its units wrong, which makes a product of up to 2**15 wrong by less than
    2**(21 - 2 * bits); double precision is wrong by less than 2**-36, and a sum found by division by 2**-16.
    """
    halves = results - 0.5
    margins = np.ceil(halves / factor) * factor - halves
    error = max(2.0 ** (21 - 2 * bits) + 2.0**-36, factor * 2.0**-16)
    close: NDArray[np.int64] = results[(margins < error) | (margins > factor - error)]
    return close
