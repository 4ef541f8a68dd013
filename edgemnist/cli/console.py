"""Where text goes: results to stdout, progress and messages to stderr."""

from collections.abc import Iterable
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


# Paths and names may hold what Rich takes for an emoji's code, such as `:key:`.
results: Console = SafeConsole(emoji=False)
messages: Console = SafeConsole(stderr=True, emoji=False)


def literal(text: object) -> str:
    """Return a text on one line that a console prints as it is, though it may look like Rich's markup."""
    return escape(printable(text))


def print_json(document: Any) -> None:
    """Print one JSON document on stdout, unstyled."""
    print(encodable_json(json_text(document, indent=2), results.encoding), file=results.file)
