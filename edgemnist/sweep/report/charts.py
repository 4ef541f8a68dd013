"""The charts of `sweep.html`: accuracy against each thing that a point takes."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...benchmarks.report.page.svg import draw_svg, series
from ...benchmarks.report.units import duration, percent, rate, size
from ..document import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MARKERS = {"○": "o", "□": "s", "△": "^", "◇": "D", "▽": "v", "◁": "<", "▷": ">", "⬠": "p"}
_HEIGHT_INCHES = 2.9
_WIDE = 4.0  # the largest over the smallest, from which on an axis is logarithmic
_TICKS, _MOST_TICKS = 3, 4
_MOST_DIGITS, _SLIGHT = 7, 1e-6
_AXES: tuple[tuple[str, str, str, float, Callable[[float], str]], ...] = (
    ("size_bytes", "size", "kB", 1e3, size),
    ("flash_bytes", "flash", "kB", 1e3, size),
    ("ram_bytes", "RAM", "kB", 1e3, size),
    ("instructions", "instructions", "", 1.0, rate),
    ("latency_p50_ns", "p50 of one image", "µs", 1e3, duration),
)


def charts(rows: Sequence[Row], formats: Sequence[str]) -> list[dict[str, str]]:
    """Return a chart, its title and its SVG, for each thing that is known of any point."""
    found = []
    for attribute, label, unit, factor, shown in _AXES:
        known = [row for row in rows if row.accuracy is not None and getattr(row, attribute) is not None]
        if known:
            svg = _scatter(known, formats, attribute, (label, unit, factor, shown))
            found.append({"title": f"Accuracy against {label}", "svg": svg})
    return found


def _scatter(
    rows: Sequence[Row],
    formats: Sequence[str],
    attribute: str,
    axis: tuple[str, str, float, Callable[[float], str]],
) -> str:
    label, unit, factor, shown = axis

    def draw(axes: "Axes") -> None:
        for row in rows:
            index = formats.index(row.export.format)
            axes.plot(
                [getattr(row, attribute)],
                [row.accuracy or 0.0],
                marker=list(MARKERS.values())[index % len(MARKERS)],
                color=series(index),
                markerfacecolor=series(index) if row.frontier else "none",
                markersize=8,
                linestyle="none",
            )
        axes.margins(0.1)
        values = [float(getattr(row, attribute)) for row in rows]
        if max(values) >= _WIDE * min(values) > 0:
            axes.set_xscale("log")
            _mark_wide(axes.xaxis, values, shown)
        else:
            _mark_near(axes.xaxis, values, unit, factor, shown)
        _mark_near(axes.yaxis, [row.accuracy or 0.0 for row in rows], "%", 0.01, percent)
        axes.set_xlabel(label)
        axes.set_ylabel("accuracy")

    return draw_svg(draw, _HEIGHT_INCHES, f"sweep-{attribute.partition('_')[0]}")


def _mark_wide(axis: "Axis", values: Sequence[float], shown: Callable[[float], str]) -> None:
    """Mark values of several orders of magnitude."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = min(values), max(values)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    places = [
        place for decade in decades for digit in (1, 2, 5) if low <= (place := digit * 10.0**decade) <= high
    ]
    if len(places) > _MOST_TICKS:
        powers = [10.0**decade for decade in decades if low <= 10.0**decade <= high]
        places = powers[:: math.ceil(len(powers) / _MOST_TICKS)]
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))


def _mark_near(
    axis: "Axis", values: Sequence[float], unit: str, factor: float, shown: Callable[[float], str]
) -> None:
    """Mark values that lie near each other, with as many digits as make their labels differ."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    low, high = min(values), max(values)
    if low == high:
        labels = {low: shown(low)}
    else:
        locator = MaxNLocator(_TICKS, integer=factor >= 1)  # bytes, instructions, nanoseconds
        places = [float(place) for place in locator.tick_values(low, high)]
        texts = _distinct([place / factor for place in places])
        labels = {place: f"{text} {unit}".strip() for place, text in zip(places, texts, strict=True)}
    axis.set_major_locator(FixedLocator(list(labels)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: labels.get(value, "")))


def _distinct(numbers: Sequence[float]) -> list[str]:
    """Return numbers with no more digits than it takes to write each of them, or to tell them apart."""
    slight = _SLIGHT * max(map(abs, numbers))
    for digits in range(_MOST_DIGITS):
        texts = [f"{number:,.{digits}f}" for number in numbers]
        exact = all(abs(round(number, digits) - number) <= slight for number in numbers)
        if exact and len(set(texts)) == len(texts):
            break
    return texts
