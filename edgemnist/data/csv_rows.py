"""The cells of `.csv` files, row by row, of any size, and what is wrong with files that are none."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from ..runtime.errors import DatasetError
from ..runtime.files import opened
from ..runtime.printable import printable

LABEL, TARGET = "label", "target"
_MAX_COLUMNS = 65_536
_MAX_LINE = 4 * 1024 * 1024  # characters


@contextmanager
def csv_rows(
    path: Path, *, needs_header: bool = True
) -> Iterator[tuple[list[str], Iterator[tuple[int, list[str]]]]]:
    """Open a file; give its header, and an iterator of the number of each line and its cells."""
    try:
        with opened(path) as binary, TextIOWrapper(binary, "utf-8-sig", newline="") as file:
            reader = csv.reader(_lines(file, path), strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(path, header, needs_header=needs_header)
            yield header, _checked_rows(path, reader, len(header))
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist", fix="Check the path.") from error
    except DatasetError:
        raise
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refusal(
            f"{path} cannot be read as a .csv file", str(error), "comma-separated UTF-8 text"
        ) from error


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    while line := file.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise refusal(f"{path} has a line that is too long", f"{_MAX_LINE:,} characters and more", "less")
        yield line


def _check_header(path: Path, header: Sequence[str], *, needs_header: bool) -> None:
    if not header:
        raise refusal(f"{path} has no header", "an empty first line", "a line with the columns' names")
    if len(header) > _MAX_COLUMNS:
        raise refusal(f"{path} has too many columns", f"{len(header):,}", f"at most {_MAX_COLUMNS:,}")
    twice = next((name for name in (LABEL, TARGET) if header.count(name) > 1), None)
    if twice:
        raise refusal(f"{path} has a column twice", twice, "one")
    if needs_header and not names_columns(header):
        raise refusal(f"{path} has no header", "numbers in its first line", "a line with the columns' names")


def names_columns(header: Sequence[str]) -> bool:
    """Return whether a first line names columns, and is no row of numbers."""
    return LABEL in header or TARGET in header or not all(map(_is_number, header))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _checked_rows(path: Path, reader: Any, width: int) -> Iterator[tuple[int, list[str]]]:
    for row in reader:
        if row and len(row) != width:
            raise refusal(
                f"{path}, line {reader.line_num} is ragged", f"{len(row)} cells", f"{width}, as in the header"
            )
        if row:
            yield reader.line_num, row


def number_in(text: str, path: Path, line: int, column: str) -> float:
    """Return the number that a cell holds; DatasetError if it holds none."""
    try:
        return float(text)
    except ValueError:
        raise refusal(
            f"{path}, line {line}: column {printable(column)} is no number",
            printable(repr(text[:40])) if text.strip() else "an empty cell",
            "a number; only the column label may contain names",
        ) from None


def refusal(problem: str, received: str, expected: str) -> DatasetError:
    """Return an error that says how such a file has to be."""
    return DatasetError(
        problem,
        received=received,
        expected=expected,
        fix="Give a header, numbers, and the answers in a column label (classes) or target (values).",
    )
