"""A table's columns: what every form of report shows of a row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVarTuple

ABSENT = "-"

Given = TypeVarTuple("Given")


@dataclass(frozen=True, slots=True)
class Column(Generic[*Given]):
    """A column of a table.

    Attributes:
        heading: Its heading.
        text: What stands in a row's cell, by what is known of the row.
        help: What the figure is, where the heading alone does not say.
    """

    heading: str
    text: Callable[[*Given], str]
    help: str = ""


def legend(columns: tuple[Column[*tuple[Any, ...]], ...]) -> str:
    """Return what the columns mean, where their headings alone do not say."""
    return "; ".join(f"{column.heading}: {column.help}" for column in columns if column.help) + "."
