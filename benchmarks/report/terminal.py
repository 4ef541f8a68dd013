"""The main table, verdicts and warnings on the terminal; the other reports hold more."""

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ...runtime.printable import printable
from ..analysis.metrics import ResultRow
from ..analysis.results import Results
from ..runner.benchmark import Benchmark
from . import devices_table
from .columns import legend
from .wording import COLUMNS, RowColumn, cells, method, outcome

GAP = 2
_STYLE = {"skipped": "yellow", "failed": "bold red"}


def show(benchmark: Benchmark, console: Console) -> None:
    """Print the main figures, in as many tables as the terminal's width asks for, and what they mean."""
    results = benchmark.results
    parts: list[RenderableType] = []
    for columns in _fitting(results, console.width):
        parts += [_table(results, columns), Text("")]
    parts += _absent(results)
    parts += _devices(results)
    parts += _section("What it means", [Text(printable(verdict)) for verdict in benchmark.verdicts])
    doubts = [
        Text(printable(f"{f'{doubt.case}: ' if doubt.case else ''}{doubt.text}"))
        for doubt in results.warnings
    ]
    parts += _section("Reasons to distrust it", doubts, style="yellow")
    parts += _section("Missing", [Text(printable(note)) for note in results.notes], style="yellow")
    if results.rows:
        parts += [Text(method(results), style="dim"), Text(legend(COLUMNS), style="dim")]
    console.print(Group(*parts), highlight=False)


def _fitting(results: Results, width: int) -> Iterator[tuple[RowColumn, ...]]:
    """Yield the columns of each table, so many that it fits into the width."""
    rows = [(row, texts) for row in results.rows if (texts := cells(row, results))]
    if not rows:
        return
    left = names = max(len(_name(results, row)) for row, _ in rows) + GAP
    group: list[RowColumn] = []
    for index, column in enumerate(COLUMNS):
        needed = max(len(column.heading), *(len(texts[index]) for _, texts in rows)) + GAP
        if group and left + needed > width:
            yield tuple(group)
            group, left = [], names
        group.append(column)
        left += needed
    yield tuple(group)


def _table(results: Results, columns: tuple[RowColumn, ...]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    table.add_column("model", no_wrap=True)
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    for row in results.rows:
        if texts := cells(row, results, columns):
            table.add_row(_literal(_name(results, row)), *texts)
    return table


def _name(results: Results, row: ResultRow) -> str:
    """Return the file's name, with the engine where the name alone is not enough."""
    several = len({one.case.name for one in results.rows}) < len(results.rows)
    return printable(row.case.title if several else row.case.name)


def _absent(results: Results) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text.assemble(
            (printable(f"{row.case.title} "), "bold"), (printable(outcome(row)), _STYLE[row.status])
        )
        for row in results.rows
        if row.metrics is None
    ]
    return [*lines, Text("")] if lines else []


def _devices(results: Results) -> list[RenderableType]:
    if not results.devices:
        return []
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    table.add_column("target", no_wrap=True)
    for column in devices_table.SHORT_COLUMNS:
        table.add_column(column.heading, justify="right", no_wrap=True)
    several = len({row.outcome.model for row in results.devices}) > 1
    absent: list[RenderableType] = []
    for row in results.devices:
        texts = devices_table.device_cells(row, devices_table.SHORT_COLUMNS)
        name = f"{row.outcome.model.source.name} " * several + row.outcome.device.name
        if texts is None:
            style = _STYLE[row.outcome.status]
            absent.append(
                Text.assemble(
                    (printable(f"{name} "), "bold"), (printable(devices_table.device_outcome(row)), style)
                )
            )
        else:
            table.add_row(_literal(name), *texts)
    title = devices_table.TITLE
    if not several:
        title = f"{results.devices[0].outcome.model.source.name} on emulated devices"
    tables: list[RenderableType] = [table] if table.row_count else []
    legends = [Text(devices_table.LEGEND, style="dim")] if table.row_count else []
    return [Text(printable(title), style="bold"), *tables, *absent, *legends, Text("")]


def _section(title: str, lines: list[Text], style: str = "") -> list[RenderableType]:
    if not lines:
        return []
    items = [Padding(Text.assemble("- ", line), (0, 0, 0, 0)) for line in lines]
    return [Text(title, style=f"bold {style}".strip()), *items, Text("")]


def _literal(text: str) -> str:
    return escape(printable(text))
