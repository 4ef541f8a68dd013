"""The main table, verdicts and warnings on the terminal; the other reports hold more."""

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from ...runtime.printable import printable
from ..runner.benchmark import Benchmark
from .blocks import Items, Note, Section, Table
from .sections import TERMINAL, describe

GAP = 2
_STYLE = {"skipped": "yellow", "failed": "bold red"}


def show(benchmark: Benchmark, console: Console) -> None:
    """Print the report's main sections; a table is split into as many as the terminal's width asks for."""
    parts: list[RenderableType] = []
    for section in describe(benchmark, TERMINAL):
        parts += _section(section, console.width)
    console.print(Group(*parts), highlight=False)


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    title = section.title and (section.terminal_title or section.title)
    if title:
        yield Text(printable(title), style="bold yellow" if section.warns else "bold")
    for block in section.blocks:
        match block:
            case Table():
                yield from _table(block, width)
            case Items():
                for subject, text in block.items:
                    yield Text(printable(f"- {subject}: {text}" if subject else f"- {text}"))
            case Note():
                yield Text(printable(block.text), style="dim")
    if title or isinstance(block, Table):
        yield Text("")


def _table(table: Table, width: int) -> Iterator[RenderableType]:
    """Yield as many tables as the width asks for, then a line for each row that has no cells."""
    rows = [row for row in table.rows if row.cells]
    for number, group in enumerate(_fitting(table, width) if rows else ()):
        if number:
            yield Text("")
        part = RichTable(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
        part.add_column(table.terminal_heading, no_wrap=True)
        for index in group:
            part.add_column(table.columns[index].heading, justify="right", no_wrap=True)
        for row in rows:
            part.add_row(escape(printable(row.short)), *(row.cells[index] for index in group))
        yield part
    if rows and len(rows) < len(table.rows):
        yield Text("")
    for row in table.rows:
        if not row.cells:
            yield Text.assemble(
                (printable(f"{row.short} "), "bold"), (printable(row.outcome), _STYLE[row.status])
            )


def _fitting(table: Table, width: int) -> Iterator[list[int]]:
    """Yield the numbers of the columns of each table, so many that it fits into the width."""
    rows = [row for row in table.rows if row.cells]
    names = max(len(printable(row.short)) for row in rows) + GAP
    left, group = names, list[int]()
    for index, column in enumerate(table.columns):
        if column.wide:
            continue
        needed = max(len(column.heading), *(len(row.cells[index]) for row in rows)) + GAP
        if group and left + needed > width:
            yield group
            left, group = names, []
        group.append(index)
        left += needed
    yield group
