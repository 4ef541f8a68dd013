"""Where text goes: results to stdout, progress and messages to stderr."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from ..runtime.printable import json_text, printable, printable_lines
from .encodings import encodable_json


class SafeConsole(Console):
    """A console on which no text can do more than be read: it may come from a stranger's file."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is to be written; only the console's own segments may control the terminal."""
        for segment in super().render(renderable, options):
            if segment.control is None and not segment.text.isprintable():
                yield Segment(printable_lines(segment.text), segment.style)
            else:
                yield segment


_WIDEST = 1000
# Paths and names may contain what Rich reads as an emoji's code, such as `:key:`.
results: Console = SafeConsole(emoji=False)
messages: Console = SafeConsole(stderr=True, emoji=False)


def literal(text: object) -> str:
    """Return a text on one line that a console prints as it is, though it may look like Rich's markup."""
    return escape(printable(text))


def print_result(markup: str) -> None:
    """Print one line on stdout; what is not the program's own text in it must be `literal`.

    A terminal gets it broken between words, what reads a pipe as the one line that it is.
    """
    results.print(markup, highlight=False, soft_wrap=not results.is_terminal)


def print_message(markup: str) -> None:
    """Print one line on stderr like `print_result`."""
    messages.print(markup, highlight=False, soft_wrap=not messages.is_terminal)


def print_error(error: Exception, advice: str = "") -> None:
    """Print an error, and what else may help, as one line on stderr."""
    text = str(error)
    if advice:
        text = f"{text if text.endswith(('.', '?')) else f'{text}.'} {advice}"
    print_message(f"[bold red]error:[/] {literal(text)}")


def print_json(document: Any) -> None:
    """Print one JSON document on stdout, unstyled."""
    print(encodable_json(json_text(document, indent=2), results.encoding), file=results.file)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table without lines on stdout; a column whose heading begins with `>` is aligned right.

    Rows that are longer than the terminal's are printed whole, since no cell may lose a digit. The cells are
    markup, like the line of `print_result`.
    """
    from rich.measure import Measurement
    from rich.table import Table  # takes long to import

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        justify = "right" if column.startswith(">") else "left"
        table.add_column(column.removeprefix(">"), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*row)
    unlimited = results.options.update(max_width=_WIDEST)
    table.width = max(results.width, Measurement.get(results, unlimited, table).maximum)
    results.print(table, crop=False)  # a width given here would be cut to the terminal's
