"""`bench.md`: the report as Markdown, for a repository or a pull request."""

import re
from collections.abc import Iterable, Sequence

from ...runtime.printable import printable
from ..analysis.results import Results
from ..emulation.metrics import DeviceRow
from ..runner.benchmark import Benchmark
from . import devices_table
from .columns import legend
from .wording import COLUMNS, DETAILS, P50_INTERVAL, RowColumn, batch_columns, cells, method, outcome

_MARKUP = re.compile(r"[\\\[\]<]")


def render(benchmark: Benchmark) -> str:
    """Return the report as a Markdown document."""
    results = benchmark.results
    doubts = [f"{f'{doubt.case}: ' if doubt.case else ''}{doubt.text}" for doubt in results.warnings]
    lines = ["# Benchmark", "", f"{results.created}, {results.machine.cpu}."]
    if results.rows:
        lines += ["", *_table(results, COLUMNS)]
    lines += _section("What it means", benchmark.verdicts)
    lines += device_lines(results.devices)
    lines += _section("Reasons to distrust it", doubts)
    lines += _section("Missing", results.notes)
    if results.rows:
        lines += _details(results)
    lines += ["", "## Files and versions", "", "| file | sha256 |", "|---|---|"]
    files = {row.case.name: row.case.sha256 for row in results.rows}
    files |= {row.outcome.model.source.name: row.outcome.model.sha256 for row in results.devices}
    lines += [_line((name, f"`{sha256}`")) for name, sha256 in files.items()]
    lines += ["", "| package | version |", "|---|---|"]
    lines += [_line(pair) for pair in results.machine.versions.items()]
    return "\n".join(lines) + "\n"


def device_lines(rows: Sequence[DeviceRow]) -> list[str]:
    """Return the section about emulated devices; none where there are no devices."""
    if not rows:
        return []
    lines = [
        _line(devices_table.HEADINGS),
        _line(("---", "---", *("---:" for _ in devices_table.DEVICE_COLUMNS))),
    ]
    empty = [""] * (len(devices_table.DEVICE_COLUMNS) - 1)
    for row in rows:
        texts = devices_table.device_cells(row) or (devices_table.device_outcome(row), *empty)
        lines.append(_line((*devices_table.device_names(row), *texts)))
    tools = [f"- {_literal(text)}" for text in devices_table.device_tools(rows)]
    return ["", f"## {devices_table.TITLE}", "", *lines, "", devices_table.LEGEND, "", *tools]


def _details(results: Results) -> list[str]:
    lines = ["", "## Details", ""]
    lines += _table(results, (P50_INTERVAL, *DETAILS))
    lines += ["", "Images per second:", ""]
    lines += _table(results, batch_columns(results))
    lines += [
        "",
        "## Method",
        "",
        method(results),
        "",
        legend(COLUMNS + DETAILS),
    ]
    return lines


def _table(results: Results, columns: tuple[RowColumn, ...]) -> list[str]:
    lines = [
        _line(("model", "engine", *(column.heading for column in columns))),
        _line(("---", "---", *("---:" for _ in columns))),
    ]
    for row in results.rows:
        texts = cells(row, results, columns) or (outcome(row), *[""] * (len(columns) - 1))
        lines.append(_line((row.case.name, row.case.engine, *texts)))
    return lines


def _section(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"- {_literal(item)}" for item in items]
    return ["", f"## {title}", "", *lines] if lines else []


def _line(texts: Iterable[str]) -> str:
    return "| " + " | ".join(_literal(text).replace("|", "\\|") for text in texts) + " |"


def _literal(text: str) -> str:
    """Return a text that is no link, picture or HTML in Markdown, whatever a file calls itself."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))
