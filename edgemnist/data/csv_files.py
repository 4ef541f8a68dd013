"""`.csv` files: a column `label` (class names or numbers) or `target` (values), all others are features.

A folder with `train.csv` and `test.csv` has its parts; a single file is split.
"""

import csv
import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import DatasetError
from ..runtime.files import opened
from ..runtime.printable import printable
from .idx import Part, listing
from .labels import MAX_CLASSES, checked_names, class_numbers
from .lazy import MAX_IN_MEMORY_BYTES
from .splits import Split, seeded_part
from .wanted import Wanted, conformed

_LABEL, _TARGET = "label", "target"
_MAX_COLUMNS = 65_536
_MAX_LINE = 4 * 1024 * 1024  # characters
_CHUNK_VALUES = 1_000_000


@dataclass(slots=True, eq=False)
class _Table:
    """What a file contains: features, the number of each row's label among the different ones, targets."""

    features: NDArray[np.float32]
    codes: NDArray[np.int32] | None
    texts: tuple[str, ...]
    targets: NDArray[np.float32] | None


def matches(path: Path) -> bool:
    """Return whether a data set at `path` has this format."""
    return path.suffix == ".csv" or any((path / f"{part}.csv").is_file() for part in ("train", "test"))


def read(path: Path, part: Part, wanted: Wanted) -> Split:
    """Return the features of a part, and its labels or targets if it has a column of them.

    Raises:
        DatasetError: The file is missing, too wide, ragged, or contains what is no number where one is due.
    """
    file = path / f"{part}.csv" if path.is_dir() else path
    table = _read(file, wanted)
    labels, names = None, wanted.class_names
    if table.codes is not None:
        labels, names = _labels(table.codes, table.texts, _other_texts(path, file, wanted), file, names)
    inputs = conformed(table.features, str(file), wanted)
    split = Split(inputs, labels, str(file), table.targets, names)
    return split if path.is_dir() else seeded_part(split, part, wanted)


def read_labels(path: Path, part: Part, wanted: Wanted) -> NDArray[Any] | None:
    """Return the labels of a part, if the file has a column of them.

    Raises:
        DatasetError: As for `read`.
    """
    return read(path, part, wanted).labels


def read_features(path: Path) -> NDArray[np.float32]:
    """Return the features of all rows, `(N, columns)`; what is in a column of answers is left out.

    A file of numbers alone needs no header.

    Raises:
        DatasetError: As for `read`.
    """
    with _rows(path, needs_header=False) as (header, rows):
        columns = [number for number, name in enumerate(header) if name not in (_LABEL, _TARGET)]
        first = [] if _names_columns(header) else [(1, header)]
        found = [
            [_number(row[column], path, line, header[column]) for column in columns]
            for line, row in (*first, *rows)
        ]
    if not found or not columns:
        raise _refusal(f"{path} has no features", "a header alone", "a row of numbers for each input")
    return np.array(found, np.float32)


def _labels(
    codes: NDArray[np.int32], texts: Sequence[str], others: set[str], file: Path, names: tuple[str, ...]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return class numbers: by name where names are known or the labels are no numbers."""
    known = set(names).issuperset(texts)
    if not known and all(map(_is_whole, others.union(texts))):
        return class_numbers(
            np.array([float(text) for text in texts])[codes], f"label in {file}", names
        ), names
    names = names or checked_names(sorted(others.union(texts)), f"label in {file}")
    return class_numbers(np.array(texts)[codes], f"label in {file}", names), names


def _other_texts(path: Path, file: Path, wanted: Wanted) -> set[str]:
    """Return the labels of the other part's file, so that both parts number their classes alike."""
    others = [one for one in (path / "train.csv", path / "test.csv") if one != file and one.is_file()]
    if not path.is_dir() or not others or wanted.class_names:
        return set()
    with _rows(others[0]) as (header, rows):
        if _LABEL not in header:
            return set()
        column = header.index(_LABEL)
        return {row[column].strip() for _, row in rows}


def _is_whole(text: str) -> bool:
    try:
        return float(text).is_integer()
    except ValueError:
        return False


def _read(path: Path, wanted: Wanted) -> _Table:
    with _rows(path) as (header, rows), tempfile.TemporaryFile() as spool:
        column = _answer_column(path, header, wanted)
        values, codes, number_of = array("f"), array("i"), dict[str, int]()
        chunk, count = array("f"), 0
        for line, row in rows:
            if column is not None:
                answer = row.pop(column).strip()
                if wanted.output == "values":
                    values.append(_number(answer, path, line, _TARGET))
                else:
                    codes.append(number_of.setdefault(answer, len(number_of)))
                    _require_label(answer, number_of, path, line)
            try:
                chunk.extend(map(float, row))
            except ValueError:
                names = [name for number, name in enumerate(header) if number != column]
                for name, text in zip(names, row, strict=True):
                    _number(text, path, line, name)
                raise
            count += 1
            if len(chunk) >= _CHUNK_VALUES:
                chunk.tofile(spool)
                chunk = array("f")
        chunk.tofile(spool)
        width = len(header) - (column is not None)
        if not count:
            raise _refusal(f"{path} has no rows", "a header alone", "a row for each input")
        features = _spooled(spool, (count, width))
    return _Table(
        features,
        np.array(codes, np.int32) if codes else None,
        tuple(number_of),
        np.array(values, np.float32) if values else None,
    )


def _spooled(spool: Any, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the numbers written to a temporary file, which lives as long as it is mapped."""
    spool.flush()
    if os.fstat(spool.fileno()).st_size > MAX_IN_MEMORY_BYTES:
        return np.memmap(spool, np.float32, "r", shape=shape)
    spool.seek(0)
    return np.frombuffer(spool.read(), np.float32).reshape(shape)


def _answer_column(path: Path, header: Sequence[str], wanted: Wanted) -> int | None:
    mine, other = (_TARGET, _LABEL) if wanted.output == "values" else (_LABEL, _TARGET)
    if other in header:
        raise _refusal(
            f"{path} has a column {other}, and the model's outputs are {wanted.output}",
            f"the columns {listing(map(printable, header))}",
            f"a column {mine}, or neither for data without answers",
        )
    if len(header) == (mine in header):
        raise _refusal(
            f"{path} has no features", f"the columns {', '.join(header)}", "a column for each feature"
        )
    return header.index(mine) if mine in header else None


def _require_label(label: str, known: dict[str, int], path: Path, line: int) -> None:
    if not label:
        raise _refusal(f"{path}, line {line}: the label is empty", "nothing", "a class name or number")
    if len(known) > MAX_CLASSES:
        raise _refusal(
            f"{path} has too many different labels",
            f"more than {MAX_CLASSES:,}",
            "classes; values are a column target",
        )


def _number(text: str, path: Path, line: int, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _refusal(
            f"{path}, line {line}: column {printable(column)} is no number",
            printable(repr(text[:40])) if text.strip() else "an empty cell",
            "a number; only the column label may contain names",
        ) from None


@contextmanager
def _rows(
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
        raise _refusal(
            f"{path} cannot be read as a .csv file", str(error), "comma-separated UTF-8 text"
        ) from error


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    while line := file.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise _refusal(
                f"{path} has a line that is too long", f"{_MAX_LINE:,} characters and more", "less"
            )
        yield line


def _check_header(path: Path, header: Sequence[str], *, needs_header: bool) -> None:
    if not header:
        raise _refusal(f"{path} has no header", "an empty first line", "a line with the columns' names")
    if len(header) > _MAX_COLUMNS:
        raise _refusal(f"{path} has too many columns", f"{len(header):,}", f"at most {_MAX_COLUMNS:,}")
    twice = next((name for name in (_LABEL, _TARGET) if header.count(name) > 1), None)
    if twice:
        raise _refusal(f"{path} has a column twice", twice, "one")
    if needs_header and not _names_columns(header):
        raise _refusal(f"{path} has no header", "numbers in its first line", "a line with the columns' names")


def _names_columns(header: Sequence[str]) -> bool:
    return _LABEL in header or _TARGET in header or not all(map(_is_number, header))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _checked_rows(path: Path, reader: Any, width: int) -> Iterator[tuple[int, list[str]]]:
    for row in reader:
        if row and len(row) != width:
            raise _refusal(
                f"{path}, line {reader.line_num} is ragged", f"{len(row)} cells", f"{width}, as in the header"
            )
        if row:
            yield reader.line_num, row


def _refusal(problem: str, received: str, expected: str) -> DatasetError:
    return DatasetError(
        problem,
        received=received,
        expected=expected,
        fix="Give a header, numbers, and the answers in a column label (classes) or target (values).",
    )
