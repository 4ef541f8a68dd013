"""Rounding twice by one product: (sum + lift) * multiplier >> bits, less a constant of the channel.

gemmlowp rounds a product half up to 31 bits, and then half away from zero. Its result never falls as the sum
grows, so that it is known by the least sum that gives each result. One product and one shift, rounded down,
give the same wherever what is added to the product keeps each of these sums at or above its step, and the one
before below it: a window. What is added is `lift * multiplier`, where the lift, an integer that is added to
the bias, is looked for: so the addition costs nothing, and no sum is negative. Where no window is left since
negative sums round the other way, they count for one less in between (`by_sign`).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..graph.ir import Step, Struct
from ..lowering.sums import bias_of, reach_of
from ._layout import filter_rows, table_values

HIGH = 31  # the bits of the high product
_MOST_BITS = 21  # of the second shift, so that all products below fit 64 bits
_MOST_SUM = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """What makes elements of an output of a layer's sums, for each channel.

    Attributes:
        multiplier: The factors' fractions.
        bits: What their products are shifted by after 31.
        lift: What is added to a sum.
        rest: What is added to what is shifted, that of all 31 + `bits`, or of 31 only if `by_sign`.
        by_sign: Whether one is taken from a product of 31 bits less where the sum is negative.
    """

    multiplier: NDArray[np.int64]
    bits: NDArray[np.int64]
    lift: NDArray[np.int64]
    rest: NDArray[np.int64]
    by_sign: bool


def products_of(step: Step) -> Products | None:
    """Return how one product rounds the sums of a step that rounds twice; None where it cannot."""
    reach = _reach(step)
    multiplier, bits = table_values(step, "multiplier"), -table_values(step, "exponent")
    if reach.max(initial=0) >= _MOST_SUM or bits.min(initial=1) < 1 or bits.max(initial=1) > _MOST_BITS:
        return None
    found = Products(multiplier, bits, reach, np.zeros_like(reach), by_sign=False)
    return _lifted(step, found, reach) or _lifted(step, replace(found, by_sign=True), reach)


def _reach(step: Step) -> NDArray[np.int64]:
    """Return the largest absolute sum of each channel."""
    rows = filter_rows(step)
    bias = np.maximum(abs(bias_of(step.node, len(rows))), abs(table_values(step, "bias")))
    return reach_of(step.node, rows, bias)


def _lifted(step: Step, products: Products, reach: NDArray[np.int64]) -> Products | None:
    limits = step.values["range"]
    if not isinstance(limits, Struct):
        raise TypeError(f"range is {limits!r}, expected a struct")
    zero, low, high = limits.fields
    least, most = _windows(products, reach, np.arange(low - zero + 1, high - zero + 1))
    if (least > most).any():
        return None
    lifts, rests = [], []
    for factor, bits, start, first, last in zip(
        products.multiplier.tolist(),
        products.bits.tolist(),
        reach.tolist(),
        least.tolist(),
        most.tolist(),
        strict=True,
    ):
        size = 1 << (HIGH + bits)
        more = _first_within(factor, size, (first - start * factor) % size, last - first)
        if more is None or start + more >= _MOST_SUM:
            return None
        lifts.append(start + more)
        whole = (lifts[-1] * factor - first) // size
        rests.append((zero - whole) << (bits if products.by_sign else 0))
    return replace(products, lift=np.array(lifts), rest=np.array(rests))


def _windows(
    products: Products, reach: NDArray[np.int64], results: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the least and the most that may be added to a channel's products before they are shifted."""
    factor, bits, farthest = products.multiplier[:, None], products.bits[:, None], reach[:, None]
    half = np.int64(1) << (bits - 1)
    # the least high product that is rounded to each result: halves go away from zero
    high = (results << bits) - half + (results <= 0)
    least = -((-(high << HIGH) + (1 << (HIGH - 1))) // factor)
    least = least.clip(-farthest, farthest + 1)
    steps = results << (bits + HIGH)

    def missing(sums: NDArray[np.int64]) -> NDArray[np.int64]:
        less = (sums < 0) * (np.int64(1) << HIGH) if products.by_sign else np.int64(0)
        return steps - sums * factor + less

    far = np.int64(1) << 62
    lower = np.where(least <= farthest, missing(least), -far)
    upper = np.where(least > -farthest, missing(least - 1) - 1, far)
    return lower.max(axis=1, initial=-far), upper.min(axis=1, initial=far)


def _first_within(step: int, size: int, first: int, width: int) -> int | None:
    """Return the least k for which k * step modulo size is first to first + width; None if there is none."""
    if first == 0 or first + width >= size:
        return 0
    return _first(step % size, size, first, first + width)


def _first(step: int, size: int, first: int, last: int) -> int | None:
    """The same for 0 < first <= last < size: as in Euclid's algorithm, each step's remainders are left."""
    if first == 0:
        return 0
    if 2 * step > size:
        step, first, last = size - step, size - last, size - first
    if step == 0:
        return None
    count = -(-first // step)
    if count * step <= last:
        return count
    rounds = _first(step - size % step, step, first % step, last % step)
    return None if rounds is None else -(-(first + size * rounds) // step)
