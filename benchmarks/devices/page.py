"""Several devices' benchmarks next to each other: the rows of a table, and a page."""

from collections.abc import Sequence
from importlib import resources
from importlib.util import find_spec
from typing import Any

from ..report.page.html import page_environment, style_sheet
from ..report.page.svg import COLOURS
from ..report.units import duration, percent, rate

COLUMNS = ("model", "device", "engine", "accuracy", "p50", "p90", "images/s")
Documents = Sequence[tuple[str, dict[str, Any]]]


def table_rows(documents: Documents) -> list[tuple[str, ...]]:
    """Return a row for each model, device and engine, the same model's next to each other."""
    rows = [
        (row["file"], device, row["engine"], *_cells(row))
        for device, document in documents
        for row in document["rows"]
    ]
    return sorted(rows, key=lambda row: row[0])


def render_if_possible(documents: Documents) -> str | None:
    """Return the page, or None where the package that fills it in is not installed."""
    if find_spec("jinja2") is None:
        return None
    environment = page_environment()
    template = resources.files(__package__).joinpath("devices.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        style=environment.from_string(style_sheet()).render(colours=COLOURS),
        columns=COLUMNS[1:],
        rows=table_rows(documents),
        devices=[(device, document["machine"], document["created"]) for device, document in documents],
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    figures = row["figures"]
    if figures is None:
        return (f"{row['status']}: {row['reason']}", "", "", "")
    times, throughput = figures["end_to_end"], figures["throughput"]
    quickest = max((one["images_per_sec"] for one in throughput), default=None)
    accuracy = figures["accuracy"]
    return (
        "" if accuracy is None else percent(accuracy["accuracy"]),
        duration(times["p50_ns"]),
        duration(times["p90_ns"]),
        rate(quickest),
    )
