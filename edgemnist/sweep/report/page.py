"""`sweep.html`: the sweep as one page that needs no network, in the style of `bench.html`."""

from collections.abc import Callable
from importlib import resources
from importlib.util import find_spec
from typing import Any

from ...benchmarks.report.page.html import page_environment, style_sheet
from ...benchmarks.report.page.svg import COLOURS
from ...benchmarks.report.units import duration, percent, size
from ..document import PASSED, Row, SweepDocument
from ..options import Export, Point, title_of
from .charts import MARKERS, charts

NEEDED = ("jinja2", "matplotlib")
COLUMNS = ("accuracy", "agreement", "size", "flash", "RAM", "instructions", "p50")


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
        frontier=[_described(once[key], origin(once[key])) for key in document.frontier],
        best=best and {**_described(best, origin(best)), "summary": summary(best)},
        limited=any(limit is not None for limit in document.limits.values()),
        measured_in_c=any(row.ram_bytes is not None for row in document.points),
        columns=COLUMNS,
        series=[(list(MARKERS)[index % len(MARKERS)], name) for index, name in enumerate(formats)],
        charts=charts(list(once.values()), formats),
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
    """Return a point: its model, and the options of its export that are not the default."""
    return _title(row, row.export)


def origin(row: Row) -> str:
    """Return how an artifact came to be: as `title`, without options that change nothing of it."""
    return _title(row, row.export.effective())


def _title(row: Row, export: Export) -> str:
    default = Export()
    names = (name for name in export.__struct_fields__ if name not in ("format", "model"))
    changed = [name for name in names if getattr(export, name) != getattr(default, name)]
    options = (f"{name.replace('_', ' ')} {getattr(export, name)}" for name in changed)
    return "; ".join([title_of(Point(row.train, row.export)), *options])


def _described(row: Row, name: str | None = None) -> dict[str, Any]:
    outcome = "" if row.status == PASSED else f"{row.status}: {'; '.join(row.failures)}"
    artifact, shown = row.artifact or row.export.format, name or title(row)
    return {"artifact": artifact, "title": shown, "cells": () if outcome else cells(row), "outcome": outcome}


def _text(value: Any, shown: Callable[[Any], str]) -> str:
    return "" if value is None else shown(value)
