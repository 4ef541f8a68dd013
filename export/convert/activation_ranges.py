"""The range in which each activation of a network is quantized, from what calibration inputs make of it.

8 bits spread over the whole range from the smallest to the largest value are wasted on a few outliers, if
there are some. Narrower ranges clip those and resolve the rest more finely.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ...proof.layers.activations import Trace
from ...runtime.errors import OptionError

Reals = NDArray[np.float32]
Range = tuple[float, float]
Method = Literal["minmax", "percentile", "mse"]
_BINS = 2048
_LEVELS = 255
# Shares of each side of the full range that are tried for the smallest mean squared error.
_SHARES = np.linspace(0.1, 1.0, 46)


@dataclass(frozen=True, slots=True)
class Calibrator:
    """How ranges are chosen.

    Attributes:
        method: "minmax": from the smallest to the largest value. "percentile": without the rarest values at
            either end. "mse": with the smallest mean squared error of all values once quantized.
        percentile: The share of values in percent that the method "percentile" keeps.
    """

    method: Method = "minmax"
    percentile: float = 99.99

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            known = ", ".join(get_args(Method))
            raise OptionError(
                "unknown calibration method", received=repr(self.method), expected=f"one of {known}"
            )
        if not 50 < self.percentile <= 100:  # noqa: PLR2004 - less than half would be no range
            raise OptionError(
                "the percentile is out of range", received=self.percentile, expected="50 to 100"
            )

    def ranges(self, trace: Trace, batches: Callable[[], Iterable[Reals]]) -> list[Range]:
        """Return the range of every layer's output, each with 0 in it.

        Args:
            trace: The float model.
            batches: Returns the calibration inputs, from the start each time it is called.
        """
        full = [_with_extent(*each) for each in _full_ranges(map(trace.values, batches()))]
        if self.method == "minmax":
            return full
        counts = np.zeros((len(full), _BINS), np.int64)
        for batch in batches():
            for index, values in enumerate(trace.values(batch)):
                counts[index] += np.histogram(values, _BINS, full[index])[0]
        narrow = self._percentile if self.method == "percentile" else _mse
        varied = [np.count_nonzero(row) > 1 for row in counts]
        return [
            narrow(row, limits) if several else limits
            for row, limits, several in zip(counts, full, varied, strict=True)
        ]

    def _percentile(self, counts: NDArray[np.int64], limits: Range) -> Range:
        """Cut the rarest values off, half of their share at either end that is not 0 anyway."""
        edges = np.linspace(*limits, _BINS + 1)
        ends = int(limits[0] < 0) + int(limits[1] > 0)
        spare = counts.sum() * (1 - self.percentile / 100) / max(1, ends)
        below = int(np.searchsorted(np.cumsum(counts), spare, side="right"))
        above = int(np.searchsorted(np.cumsum(counts[::-1]), spare, side="right"))
        low = edges[below] if limits[0] < 0 else limits[0]
        high = edges[_BINS - above] if limits[1] > 0 else limits[1]
        return _with_zero(low, high)


def _full_ranges(outputs: Iterable[list[Reals]]) -> list[Range]:
    lows: list[float] = []
    highs: list[float] = []
    for values in outputs:
        lows = [min(0.0, float(each.min(initial=0)), *lows[i : i + 1]) for i, each in enumerate(values)]
        highs = [max(0.0, float(each.max(initial=0)), *highs[i : i + 1]) for i, each in enumerate(values)]
    return list(zip(lows, highs, strict=True))


def _mse(counts: NDArray[np.int64], limits: Range) -> Range:
    """Return the range with which the values' mean squared error is smallest."""
    low, high = limits
    edges = np.linspace(low, high, _BINS + 1)
    used = np.flatnonzero(counts)
    values, weights = (edges[:-1] + edges[1:])[used] / 2, counts[used]
    best, error = limits, np.inf
    for lower in _SHARES * low if low < 0 else (low,):
        for upper in _SHARES * high if high > 0 else (high,):
            step = (upper - lower) / _LEVELS
            rounded = np.clip(np.rint((values - lower) / step), 0, _LEVELS) * step + lower
            found = float(weights @ (rounded - values) ** 2)
            if found < error:
                best, error = (float(lower), float(upper)), found
    return best


def _with_extent(low: float, high: float) -> Range:
    """Return a range that is not empty: a constant output still needs a scale."""
    return (low, high) if high > low else (low, low + 1.0)


def _with_zero(low: float, high: float) -> Range:
    return _with_extent(float(min(low, 0.0)), float(max(high, 0.0)))
