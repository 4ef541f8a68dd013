"""`sweep.html`: the sweep as one page that needs no network, in the style of `bench.html`."""

from collections.abc import Callable, Sequence
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..benchmarks.report.page.html import page_environment, style_sheet
from ..benchmarks.report.page.svg import COLOURS, draw_svg, series
from ..benchmarks.report.units import duration, percent, size
from .document import FAILED, PASSED, Row, SweepDocument
from .options import Export, Point
from .run import title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEEDED = ("jinja2", "matplotlib")
COLUMNS = ("accuracy", "agreement", "size", "flash", "RAM", "instructions", "p50")
_MARKERS = {"○": "o", "□": "s", "△": "^", "◇": "D", "▽": "v", "◁": "<", "▷": ">", "⬠": "p"}
_HEIGHT_INCHES = 2.9


def render_if_possible(document: SweepDocument) -> str | None:
    """Return the page, or None where the packages that draw it are not installed."""
    return render(document) if all(find_spec(package) for package in NEEDED) else None


def render(document: SweepDocument) -> str:
    """Return the page."""
    environment = page_environment()
    template = resources.files(__package__).joinpath("sweep.html.jinja").read_text(encoding="utf-8")
    once = {row.key: row for row in document.points}
    best = once.get(document.best or "")
    formats = list(dict.fromkeys(row.export.format for row in document.points))
    return environment.from_string(template).render(
        document=document,
        style=environment.from_string(style_sheet()).render(colours=COLOURS),
        points=[_described(row) for row in document.points],
        frontier=[_described(once[key]) for key in document.frontier],
        best=best and {**_described(best), "summary": summary(best)},
        limited=any(limit is not None for limit in document.limits.values()),
        columns=COLUMNS,
        series=[(list(_MARKERS)[index % len(_MARKERS)], name) for index, name in enumerate(formats)],
        charts=_charts(list(once.values()), formats),
        colours=COLOURS,
    )


def cells(row: Row) -> tuple[str, ...]:
    """Return what is known of a point, as texts under `COLUMNS`; "" where nothing is."""
    return (
        _text(row.accuracy, percent),
        _text(row.agreement, percent),
        _text(row.size_bytes, size),
        _text(row.flash_bytes, size),
        _text(row.ram_bytes, size),
        _text(row.instructions, lambda count: f"{count:,.0f}"),
        _text(row.latency_p50_ns, duration),
    )


def summary(row: Row) -> str:
    """Return what is known of a point in one line."""
    named = zip(COLUMNS, cells(row), strict=True)
    return ", ".join(f"{name} {text}" for name, text in named if text)


def title(row: Row) -> str:
    """Return how a point came to be: its model, and the options of its export that are not the default."""
    default = Export()
    names = (name for name in row.export.__struct_fields__ if name not in ("format", "model"))
    changed = [name for name in names if getattr(row.export, name) != getattr(default, name)]
    options = (f"{name.replace('_', ' ')} {getattr(row.export, name)}" for name in changed)
    return "; ".join([title_of(Point(row.train, row.export)), *options])


def _described(row: Row) -> dict[str, Any]:
    outcome = "" if row.status == PASSED else f"{row.status}: {'; '.join(row.failures)}"
    name = row.artifact or row.export.format
    return {"artifact": name, "title": title(row), "cells": () if outcome else cells(row), "outcome": outcome}


def _text(value: Any, shown: Callable[[Any], str]) -> str:
    return "" if value is None else shown(value)


def _charts(rows: Sequence[Row], formats: Sequence[str]) -> list[dict[str, str]]:
    axes: tuple[tuple[str, str, Callable[[float], str]], ...] = (
        ("size_bytes", "size", size),
        ("flash_bytes", "flash", size),
        ("ram_bytes", "RAM", size),
        ("latency_p50_ns", "p50 of one image", duration),
    )
    charts = []
    for attribute, label, shown in axes:
        drawn = [
            row
            for row in rows
            if row.status in (PASSED, FAILED)
            and row.accuracy is not None
            and getattr(row, attribute) is not None
        ]
        if drawn:
            svg = _scatter(drawn, formats, attribute, label, shown)
            charts.append({"title": f"Accuracy against {label}", "svg": svg})
    return charts


def _scatter(
    rows: Sequence[Row], formats: Sequence[str], attribute: str, label: str, shown: Callable[[float], str]
) -> str:
    def draw(axes: "Axes") -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

        for row in rows:
            index = formats.index(row.export.format)
            axes.plot(
                [getattr(row, attribute)],
                [row.accuracy or 0.0],
                marker=list(_MARKERS.values())[index % len(_MARKERS)],
                color=series(index),
                markerfacecolor=series(index) if row.frontier else "none",
                markersize=8,
                linestyle="none",
            )
        axes.set_xscale("log")
        axes.margins(0.1)
        for axis, text in ((axes.xaxis, shown), (axes.yaxis, percent)):
            axis.set_major_locator(MaxNLocator(4))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda value, _, text=text: text(value)))
        axes.set_xlabel(label)
        axes.set_ylabel("accuracy")

    return draw_svg(draw, _HEIGHT_INCHES, f"sweep-{attribute.partition('_')[0]}")
