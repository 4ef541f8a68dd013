"""The charts of `bench.html`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ....runtime.printable import printable
from ..units import duration, percent, size
from .svg import INK, draw_svg, series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ...analysis.metrics import Metrics, ResultRow

MARKERS = "os^Dv<>p"
_BINS_PER_DECADE = 100
_DRAWN = (0.1, 99.5)  # percentiles between which the distributions are drawn; the tables state the extremes
_GROUP_FACTOR = 8


@dataclass(frozen=True, slots=True)
class Quality:
    """What a chart shows of how good a model's answers are.

    Attributes:
        value: Finds it; None where it is not known.
        show: Makes a text of it.
    """

    name: str
    value: "Callable[[Metrics], float | None]"
    show: Callable[[float], str]


def _rms_share(found: "Metrics") -> float | None:
    return found.parity.rms_difference / (found.parity.output_range or 1.0) if found.parity else None


QUALITIES = (
    Quality("accuracy", lambda found: found.accuracy.accuracy if found.accuracy else None, percent),
    Quality("R²", lambda found: found.r2, "{:.6g}".format),
    Quality("agreement", lambda found: found.parity.agreement if found.parity else None, percent),
    Quality("rms error", _rms_share, percent),
)


def latency_groups(rows: "Sequence[ResultRow]") -> list[list[int]]:
    """Return row numbers in groups that one axis can show: p50 at most 8 times that of the quickest."""
    groups: list[list[int]] = []
    quickest = 0.0
    for index in sorted(range(len(rows)), key=lambda index: _p50_ns(rows[index])):
        if not groups or _p50_ns(rows[index]) > _GROUP_FACTOR * quickest:
            groups.append([])
            quickest = _p50_ns(rows[index])
        groups[-1].append(index)
    return groups


def latency_chart(
    rows: "Sequence[ResultRow]", samples: Sequence[NDArray[np.int64]], group: Sequence[int]
) -> str:
    """Return the distributions of single-input latency, one strip a row, with marks at p50, p90 and p99.

    `samples` are (calls,) int64 nanoseconds of all rounds, for each row; `group` has the numbers of the
    rows to show, the quickest first.
    """

    def draw(axes: "Axes") -> None:
        limits = np.array([np.percentile(samples[index], _DRAWN) for index in group])
        low, high = limits[:, 0].min() * 0.95, limits[:, 1].max() * 1.05
        edges = np.geomspace(low, high, max(int(np.log10(high / low) * _BINS_PER_DECADE), 20))
        for base, index in enumerate(reversed(group)):
            _strip(axes, base, index, samples[index], edges)
            axes.annotate(
                printable(rows[index].case.name),
                (1, base + 0.62),
                xycoords=("axes fraction", "data"),
                color=INK,
                fontsize=9,
                horizontalalignment="right",
                parse_math=False,
            )
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(-0.05, len(group) + 0.05)
        axes.set_yticks([])
        _ticks(axes.xaxis, duration)
        axes.set_xlabel("one input, end to end; marks at p50, p90, p99")

    return draw_svg(draw, 0.75 + 0.7 * len(group), f"latency-{group[0]}")


def size_latency_chart(rows: "Sequence[ResultRow]") -> str:
    """Return file size against p50 latency; towards the lower left is better."""

    def draw(axes: "Axes") -> None:
        for index, row in enumerate(rows):
            if row.metrics is not None:
                latency = row.metrics.end_to_end
                errors = _errors(latency.p50_ns, latency.p50_interval_ns)
                _point(axes, index, latency.p50_ns, row.case.size_bytes, xerr=errors)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _ticks(axes.xaxis, duration)
        _ticks(axes.yaxis, size)
        axes.set(xlabel="p50 of one input", ylabel="file size")

    return draw_svg(draw, 2.9, "size-latency")


def quality_chart(rows: "Sequence[ResultRow]", quality: Quality) -> str:
    """Return accuracy or what stands for it, with its interval where it is known, against file size."""

    def draw(axes: "Axes") -> None:
        for index, row in enumerate(rows):
            value = quality.value(row.metrics) if row.metrics else None
            if value is not None and row.metrics is not None:
                accuracy = row.metrics.accuracy
                errors = _errors(value, accuracy.accuracy_interval if accuracy else None)
                _point(axes, index, row.case.size_bytes, value, yerr=errors)
        axes.set_xscale("log")
        _ticks(axes.xaxis, size)
        _ticks(axes.yaxis, quality.show)
        axes.set(xlabel="file size", ylabel=quality.name)

    return draw_svg(draw, 2.9, "size-accuracy")


def _strip(
    axes: "Axes", base: int, index: int, samples: NDArray[np.int64], edges: NDArray[np.float64]
) -> None:
    counts, _ = np.histogram(samples, edges)
    heights = base + 0.8 * counts / max(counts.max(), 1)
    axes.stairs(heights, edges, baseline=base, fill=True, color=series(index), alpha=0.8)
    for percentile, height in ((50, 0.85), (90, 0.4), (99, 0.25)):
        axes.plot([np.percentile(samples, percentile)] * 2, [base, base + height], color=INK, linewidth=1)


def _p50_ns(row: "ResultRow") -> float:
    return row.metrics.end_to_end.p50_ns if row.metrics else 0.0


def _point(axes: "Axes", index: int, x: float, y: float, **errors: Any) -> None:
    look: dict[str, Any] = {
        "markerfacecolor": "none",
        "markeredgewidth": 1.8,
        "markersize": 9,
        "elinewidth": 1,
        "capsize": 3,
    }
    marker = MARKERS[index % len(MARKERS)]
    axes.errorbar(x, y, marker=marker, color=series(index), linestyle="none", **look, **errors)


def _errors(value: float, limits: tuple[float, float] | None) -> list[list[float]] | None:
    return None if limits is None else [[max(value - limits[0], 0)], [max(limits[1] - value, 0)]]


def _ticks(axis: Any, text: Callable[[float], str]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    if axis.get_scale() == "log":
        low, high = axis.get_view_interval()
        steps = (1.0, 2.0, 5.0) if high / low < 30 else (1.0,)  # noqa: PLR2004 - less than 1.5 decades
        # Within less than a decade LogLocator sets more marks than have room for their texts.
        few = high / low < 10  # noqa: PLR2004
        axis.set_major_locator(MaxNLocator(4) if few else LogLocator(subs=steps, numticks=8))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(MaxNLocator(5))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: _short(text(value))))


def _short(text: str) -> str:
    """Drop the zeros that a round value on an axis does not need."""
    return re.sub(r"\.0+(?=\D|$)", "", text)
