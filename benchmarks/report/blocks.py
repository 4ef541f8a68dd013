"""What a section of the report is made of, for `terminal`, `markdown` and `html` to write."""

from dataclasses import dataclass
from typing import Any

from .columns import Column


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: names and cells, or why there are no cells.

    Attributes:
        names: The model's file, and its engine or target.
        short: What a terminal calls it.
    """

    names: tuple[str, str]
    short: str
    cells: tuple[str, ...]
    status: str
    reason: str

    @property
    def outcome(self) -> str:
        """What stands in place of the cells where there are none."""
        return f"{self.status}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the headings of `Row.names`, columns, rows, and the heading of `Row.short`."""

    headings: tuple[str, str]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    terminal_heading: str
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Items:
    """A list; each item is a text, after the name of what it is about or ""."""

    items: tuple[tuple[str, str], ...]
    quiet: bool = False
    kind: str = "items"


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph, quiet where it only explains what stands above it."""

    text: str
    quiet: bool = True
    kind: str = "note"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values under two headings; values may be code."""

    headings: tuple[str, str]
    pairs: tuple[tuple[str, str], ...]
    code: bool = False
    kind: str = "pairs"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report.

    Attributes:
        title: Its heading; none where it belongs to the section before it.
        blocks: What it shows, in order: those above, and in the page those of `html`.
        warns: Whether it is set apart as a warning.
        terminal_title: What a terminal heads it with, where that differs.
    """

    title: str
    blocks: tuple[Any, ...]
    warns: bool = False
    terminal_title: str | None = None
