"""The tables, verdicts and warnings on the terminal."""

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..benchmark import Benchmark
from ..results import Results
from .wording import (
    ANSWERS,
    COLUMNS,
    DETAILS,
    LATENCY,
    Column,
    batch_columns,
    cells,
    legend,
    loadgen_lines,
    method,
    outcome,
)

WIDE = 128
_STYLE = {"skipped": "yellow", "failed": "bold red"}


def show(benchmark: Benchmark, console: Console) -> None:
    """Print the report, in one main table where the terminal is wide enough, else in two."""
    results = benchmark.results
    groups = (COLUMNS,) if console.width >= WIDE else (ANSWERS, LATENCY)
    parts: list[RenderableType] = []
    for columns in (*groups, DETAILS, batch_columns(results)):
        if columns:
            parts += [_table(results, columns), Text("")]
    parts += _absent(results)
    parts += _section("What it means", [Text(verdict) for verdict in benchmark.verdicts])
    parts += _section("LoadGen (not an MLPerf result)", [Text(line) for line in loadgen_lines(results)])
    doubts = [Text(f"{f'{doubt.target}: ' if doubt.target else ''}{doubt.text}") for doubt in results.doubts]
    parts += _section("Reasons to distrust it", doubts, style="yellow")
    parts += _section("Missing", [Text(note) for note in results.notes], style="yellow")
    parts += [Text(method(results), style="dim"), Text(legend(COLUMNS), style="dim")]
    console.print(Group(*parts), highlight=False)


def _table(results: Results, columns: tuple[Column, ...]) -> Table:
    throughput = all(column.heading.startswith("batch ") for column in columns)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("images/s in" if throughput else "model", no_wrap=True)
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    several = len({row.target.name for row in results.rows}) < len(results.rows)
    for row in results.rows:
        if texts := cells(row, results, columns):
            table.add_row(escape(row.target.title if several else row.target.name), *texts)
    return table


def _absent(results: Results) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text.assemble((f"{row.target.title} ", "bold"), (outcome(row), _STYLE[row.status]))
        for row in results.rows
        if row.figures is None
    ]
    return [*lines, Text("")] if lines else []


def _section(title: str, lines: list[Text], style: str = "") -> list[RenderableType]:
    if not lines:
        return []
    items = [Padding(Text.assemble("- ", line), (0, 0, 0, 0)) for line in lines]
    return [Text(title, style=f"bold {style}".strip()), *items, Text("")]
