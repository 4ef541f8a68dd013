"""The table on the terminal."""

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..results import Results
from .wording import COLUMNS, cells, method, outcome


def render(results: Results) -> RenderableType:
    """Return the table, what could not be measured, and how it was measured."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(
            column.heading, justify="right" if column.figures else "left", no_wrap=column.figures
        )
    for row in results.rows:
        if texts := cells(row):
            table.add_row(*map(escape, texts))
    absent = [
        Text.assemble(
            (f"{row.target.name} ({row.target.engine}) ", "bold"), (outcome(row), _STYLE[row.status])
        )
        for row in results.rows
        if row.figures is None
    ]
    notes = [Text(note, style="yellow") for note in results.notes]
    return Group(table, *absent, *notes, Text(""), Text(method(results), style="dim"))


def show(results: Results, console: Console) -> None:
    """Print the results."""
    console.print(render(results))


_STYLE = {"skipped": "yellow", "failed": "bold red"}
