"""Parquet files to score."""

from pathlib import Path
from typing import Any

import numpy as np

from ...runtime.errors import InputError, MissingExtraError, first_line
from ...runtime.predictor import Predictor
from .rows import MAX_ROWS, Rows, rows_of

_COLUMNS = ("image", "images", "features", "x")


class Parquet:
    """A column of a Parquet file: pictures as bytes, or arrays."""

    def __init__(self, path: Path, column: str | None) -> None:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtraError("pyarrow", "parquet", "Parquet") from error
        self._path = path
        try:
            self._file = parquet.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} is no Parquet file that can be read", received=first_line(error)
            ) from error
        names = self._file.schema_arrow.names
        known = column or next((name for name in _COLUMNS if name in names), None)
        if known is None or known not in names:
            raise InputError(
                f"{path} has no column {known or 'of images or features'}",
                received=", ".join(names),
                expected=" or ".join(_COLUMNS),
                fix="Name the column with --array.",
            )
        self._column = known
        counts = [self._file.metadata.row_group(n).num_rows for n in range(self._file.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(int)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""
        return max(1, sum(self._group_bytes()) // max(1, len(self)))

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""
        first = int(np.searchsorted(self._starts, start, "right")) - 1
        last = int(np.searchsorted(self._starts, stop, "left"))
        groups, position, values = range(first, last), int(self._starts[first]), []
        for batch in self._file.iter_batches(
            batch_size=MAX_ROWS, row_groups=list(groups), columns=[self._column]
        ):
            begin, end = max(start - position, 0), min(stop - position, len(batch))
            if begin < end:
                values += batch.column(0)[begin:end].to_pylist()
            position += len(batch)
            if position >= stop:
                break
        return rows_of([_plain(value) for value in values], predictor)

    def _group_bytes(self) -> list[int]:
        metadata = self._file.metadata
        return [metadata.row_group(number).total_byte_size for number in range(self._file.num_row_groups)]


def _plain(value: Any) -> Any:
    """Return a picture's bytes or an array; Hugging Face stores pictures as {bytes, path}."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return value if isinstance(value, (bytes, type(None))) else np.asarray(value)
