"""`bench.html`: the report as one page that needs no network."""

from importlib import resources
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.printable import printable
from ..analysis.metrics import ResultRow
from ..runner.benchmark import Benchmark
from ..runner.processes import MEASURED
from . import charts, devices_table
from .columns import legend
from .svg import COLOURS
from .test_images import Flip, flips
from .training.outputs import Trained
from .training.section import training_section
from .wording import COLUMNS, DETAILS, P50_INTERVAL, RowColumn, batch_columns, cells, method, outcome

TEMPLATE = "bench.html.jinja"
NEEDED = ("jinja2", "matplotlib", "PIL")


def render_if_possible(benchmark: Benchmark, trained: Trained | None = None) -> str | None:
    """Return the page, or None where the packages that draw it are not installed."""
    return render(benchmark, trained) if all(find_spec(package) for package in NEEDED) else None


def render(benchmark: Benchmark, trained: Trained | None = None) -> str:
    """Return the page.

    Args:
        benchmark: What it reports.
        trained: How the model was trained, where that is known.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = resources.files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(template).render(
        _context(benchmark) | {"training": training_section(benchmark, trained)}
    )


def _context(benchmark: Benchmark) -> dict[str, Any]:
    results = benchmark.results
    arrays = {
        one.case: {number: answer.arrays for number, answer in one.rounds.items()}
        for one in benchmark.collection.measurements
        if one.status == MEASURED
    }
    rows = [row for row in results.rows if row.metrics is not None]
    samples = [np.concatenate([one["latency_ns"] for one in arrays[row.case].values()]) for row in rows]
    return {
        "results": results,
        "verdicts": benchmark.verdicts,
        "tables": [
            _table(benchmark, "", COLUMNS),
            _table(benchmark, "Start, memory and spread", (P50_INTERVAL, *DETAILS)),
            _table(benchmark, "Images per second", batch_columns(results)),
        ],
        "legend": legend(COLUMNS + DETAILS),
        "series": [
            {"name": row.case.title, "marker": _MARKER_TEXT[index % len(_MARKER_TEXT)]}
            for index, row in enumerate(rows)
        ],
        "colours": COLOURS,
        "charts": _charts(rows, samples),
        "flips": [
            _flips(benchmark, row, arrays[row.case][0]["probabilities"])
            for row in rows
            if row.metrics and row.metrics.parity and row.metrics.parity.flipped
        ],
        "unflipped": [
            row.case.title
            for row in rows
            if row.metrics and row.metrics.parity and not row.metrics.parity.flipped
        ],
        "confusions": [_confusion(row) for row in rows],
        "devices": {
            "title": devices_table.TITLE,
            "columns": devices_table.DEVICE_COLUMNS,
            "rows": [
                {
                    "names": devices_table.device_names(row),
                    "cells": devices_table.device_cells(row),
                    "outcome": devices_table.device_outcome(row),
                }
                for row in results.devices
            ],
            "legend": devices_table.LEGEND,
            "tools": devices_table.device_tools(results.devices),
        },
        "files": {row.case.name: row.case.sha256 for row in results.rows}
        | {row.outcome.model.source.name: row.outcome.model.sha256 for row in results.devices},
        "method": method(results),
    }


def _finalized(value: Any) -> Any:
    """Return a text with what is no mark on paper escaped; our own drawings are no plain `str`."""
    return printable(value) if type(value) is str else value


_MARKER_TEXT = "○□△◇▽◁▷⬠"


def _table(benchmark: Benchmark, title: str, columns: tuple[RowColumn, ...]) -> dict[str, Any]:
    results = benchmark.results
    return {
        "title": title,
        "columns": columns,
        "rows": [
            {
                "names": (row.case.name, row.case.engine),
                "cells": cells(row, results, columns),
                "outcome": outcome(row),
            }
            for row in results.rows
        ],
    }


def _charts(rows: list[ResultRow], samples: list[NDArray[np.int64]]) -> list[dict[str, str]]:
    if not rows:
        return []
    return [
        *(
            {"title": "Latency of single images", "svg": charts.latency_chart(rows, samples, group)}
            for group in charts.latency_groups(rows)
        ),
        {"title": "Size against latency", "svg": charts.size_latency_chart(rows)},
        {"title": "Size against accuracy", "svg": charts.size_accuracy_chart(rows)},
    ]


def _flips(benchmark: Benchmark, row: ResultRow, probabilities: NDArray[np.float32]) -> dict[str, Any]:
    parity = row.metrics.parity if row.metrics else None
    pictures: tuple[Flip, ...] = ()
    if parity is not None and benchmark.reference is not None:
        pictures = flips(parity.flipped, benchmark.split, probabilities, benchmark.reference.probabilities)
    return {"name": row.case.title, "parity": parity, "pictures": pictures}


def _confusion(row: ResultRow) -> dict[str, Any]:
    counts = row.metrics.accuracy.confusion if row.metrics else ()
    errors = [count for true, line in enumerate(counts) for label, count in enumerate(line) if true != label]
    return {"name": row.case.title, "counts": counts, "most": max([*errors, 1])}
