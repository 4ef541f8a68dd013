"""Parquet files to score."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import InputError, MissingExtraError, first_line
from ...runtime.predictor import Predictor
from .rows import MAX_ROWS, Rows, rows_of, rows_of_numbers

_COLUMNS = ("image", "images", "features", "x")


class Parquet:
    """A column of a Parquet file: pictures as bytes, or arrays. A process reads forward, or begins again."""

    def __init__(self, path: Path, column: str | None) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtraError("pyarrow", "parquet", "Parquet") from error
        self._arrow: Any = pa
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
        self._position = len(self)  # of the first row of what was read and not asked for yet
        self._batches: Iterator[Any] = iter(())
        self._ahead: Any = pa.array([], self._file.schema_arrow.field(known).type)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""
        return max(1, sum(self._group_bytes()) // max(1, len(self)))

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""
        try:
            column = self._arrow.concat_arrays(list(self._taken(start, stop)))
        except (OSError, ValueError) as error:
            raise InputError(f"{self._path} is damaged", received=first_line(error)) from error
        numbers = _numbers(column)
        if numbers is not None:
            return rows_of_numbers(numbers, predictor)
        return rows_of(map(_plain, column.to_pylist()), predictor)

    def _taken(self, start: int, stop: int) -> Iterator[Any]:
        """Yield rows, in pieces; nothing is read twice where blocks are asked for in their order."""
        group = int(np.searchsorted(self._starts, start, "right")) - 1
        if not self._position <= start or self._starts[group] >= self._position + len(self._ahead) + MAX_ROWS:
            groups = list(range(group, self._file.num_row_groups))
            self._batches = self._file.iter_batches(MAX_ROWS, row_groups=groups, columns=[self._column])
            self._position, self._ahead = int(self._starts[group]), self._ahead[:0]
        while self._position < stop:
            if not len(self._ahead):
                self._ahead = next(self._batches).column(0)
            count = min(stop - self._position, len(self._ahead))
            skipped = min(max(start - self._position, 0), count)
            if skipped < count:
                yield self._ahead[skipped:count]
            self._position, self._ahead = self._position + count, self._ahead[count:]

    def _group_bytes(self) -> list[int]:
        metadata = self._file.metadata
        return [metadata.row_group(number).total_byte_size for number in range(self._file.num_row_groups)]


def _numbers(column: Any) -> NDArray[Any] | None:
    """Return a column of lists of numbers, all of one length, as `(N, length)`; None if it is another."""
    import pyarrow as pa

    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if column.null_count or not any(is_kind(column.type) for is_kind in kinds):
        return None
    values = column.flatten()
    number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    if not number or values.null_count or len(values) % len(column):
        return None
    length = len(values) // len(column)
    if not pa.types.is_fixed_size_list(column.type):
        lengths = column.value_lengths().to_numpy()
        if (lengths != length).any():
            return None
    array: NDArray[Any] = values.to_numpy().reshape(len(column), length)
    return array


def _plain(value: Any) -> Any:
    """Return a picture's bytes or an array; Hugging Face stores pictures as {bytes, path}."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return value if isinstance(value, (bytes, type(None))) else np.asarray(value)
