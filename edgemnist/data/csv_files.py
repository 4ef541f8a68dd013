"""`.csv` files: a column `label` (class names or numbers) or `target` (values), all others are features.

A folder with `train.csv` and `test.csv` has its parts; a single file is split.
"""

import os
import tempfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.printable import printable
from .csv_rows import LABEL, TARGET, csv_rows, names_columns, number_in, refusal
from .idx import Part, listing
from .labels import MAX_CLASSES, checked_names, class_numbers
from .lazy import MAX_IN_MEMORY_BYTES
from .splits import Split, seeded_part
from .wanted import Wanted, conformed

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
    with csv_rows(path, needs_header=False) as (header, rows):
        columns = [number for number, name in enumerate(header) if name not in (LABEL, TARGET)]
        first = [] if names_columns(header) else [(1, header)]
        found = [
            [number_in(row[column], path, line, header[column]) for column in columns]
            for line, row in (*first, *rows)
        ]
    if not found or not columns:
        raise refusal(f"{path} has no features", "a header alone", "a row of numbers for each input")
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
    with csv_rows(others[0]) as (header, rows):
        if LABEL not in header:
            return set()
        column = header.index(LABEL)
        return {row[column].strip() for _, row in rows}


def _is_whole(text: str) -> bool:
    try:
        return float(text).is_integer()
    except ValueError:
        return False


def _read(path: Path, wanted: Wanted) -> _Table:
    with csv_rows(path) as (header, rows), tempfile.TemporaryFile() as spool:
        column = _answer_column(path, header, wanted)
        values, codes, number_of = array("f"), array("i"), dict[str, int]()
        chunk, count = array("f"), 0
        for line, row in rows:
            if column is not None:
                answer = row.pop(column).strip()
                if wanted.output == "values":
                    values.append(number_in(answer, path, line, TARGET))
                else:
                    codes.append(number_of.setdefault(answer, len(number_of)))
                    _require_label(answer, number_of, path, line)
            try:
                chunk.extend(map(float, row))
            except ValueError:
                names = [name for number, name in enumerate(header) if number != column]
                for name, text in zip(names, row, strict=True):
                    number_in(text, path, line, name)
                raise
            count += 1
            if len(chunk) >= _CHUNK_VALUES:
                chunk.tofile(spool)
                chunk = array("f")
        chunk.tofile(spool)
        width = len(header) - (column is not None)
        if not count:
            raise refusal(f"{path} has no rows", "a header alone", "a row for each input")
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
    mine, other = (TARGET, LABEL) if wanted.output == "values" else (LABEL, TARGET)
    if other in header:
        raise refusal(
            f"{path} has a column {other}, and the model's outputs are {wanted.output}",
            f"the columns {listing(map(printable, header))}",
            f"a column {mine}, or neither for data without answers",
        )
    if len(header) == (mine in header):
        raise refusal(
            f"{path} has no features", f"the columns {', '.join(header)}", "a column for each feature"
        )
    return header.index(mine) if mine in header else None


def _require_label(label: str, known: dict[str, int], path: Path, line: int) -> None:
    if not label:
        raise refusal(f"{path}, line {line}: the label is empty", "nothing", "a class name or number")
    if len(known) > MAX_CLASSES:
        raise refusal(
            f"{path} has too many different labels",
            f"more than {MAX_CLASSES:,}",
            "classes; values are a column target",
        )
