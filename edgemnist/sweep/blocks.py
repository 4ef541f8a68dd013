"""What is to be scored, read block by block: pictures, IDX, npy, npz or Parquet, larger than memory.

A source has a length, and any process can read any of its blocks, in which rows keep their numbers.
"""

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..data.idx import IMAGE_AXES, read_array
from ..runtime.errors import EdgeMnistError, InputError, MissingExtraError, first_line
from ..runtime.predictor import Predictor

BLOCK_BYTES = 16 * 1024 * 1024
MAX_ROWS = 4096
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
_GZIP, _IDX = b"\x1f\x8b", b"\0\0"
_ARRAYS = ("x_test", "images", "features", "x")
_COLUMNS = ("image", "images", "features", "x")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a block.

    Attributes:
        raw: `(n, ...)`, as the model's signature has them, of the rows that could be read.
        errors: Why each row could not be read, or ""; the others are `raw`, in order.
        files: The file of each row; none where they have none.
    """

    raw: NDArray[Any]
    errors: tuple[str, ...]
    files: tuple[str, ...] = ()


class Source(Protocol):
    """What is to be scored."""

    def __len__(self) -> int: ...

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""


def open_source(path: Path, array: str | None = None) -> Source:
    """Open a file or a folder of pictures.

    Args:
        path: The file or folder.
        array: Which array of an .npz, or column of a Parquet file; None chooses it by its name.

    Raises:
        InputError: It is nothing that can be scored, or has no such array.
        DatasetError: An IDX file is damaged.
        MissingExtraError: It is Parquet, and pyarrow is not installed.
    """
    if path.is_dir():
        return _Pictures(path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise InputError(f"{path} cannot be read", received=error.strerror) from error
    if start == b"PAR1":
        return _Parquet(path, array)
    if path.suffix == ".npz":
        return _Stream(path, _npz_member(path, array))
    if path.suffix == ".npy":
        return _Array(_mapped(path))
    if start[:2] in (_GZIP, _IDX):
        return _Array(read_array(path, IMAGE_AXES))
    raise InputError(
        f"{path} cannot be scored",
        received=f"a file that starts with {start.hex() or 'nothing'}",
        expected="a folder of pictures, IDX, .npy, .npz or Parquet",
    )


def blocks_of(source: Source) -> list[tuple[int, int]]:
    """Return the first row of each block, and the one after its last."""
    rows = max(1, min(MAX_ROWS, BLOCK_BYTES // max(1, source.row_bytes())))
    return [(start, min(start + rows, len(source))) for start in range(0, len(source), rows)]


class _Pictures:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
        if not self._paths:
            raise InputError(
                f"no pictures in {folder}", expected=f"files that end with {', '.join(PICTURES)}"
            )

    def __len__(self) -> int:
        return len(self._paths)

    def row_bytes(self) -> int:
        return BLOCK_BYTES // 256

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        found, errors = [], []
        for path in self._paths[start:stop]:
            try:
                found.append(predictor.to_raw(path)[0])
                errors.append("")
            except MissingExtraError:
                raise
            except EdgeMnistError as error:
                errors.append(str(error))
        files = tuple(path.relative_to(self._folder).as_posix() for path in self._paths[start:stop])
        return Rows(_stacked(found, predictor), tuple(errors), files)


class _Array:
    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def row_bytes(self) -> int:
        return self._array[:1].nbytes

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        return _converted(self._array[start:stop], predictor)


class _Stream:
    """An array in an .npz, unpacked as it is read; a process reads forward, or begins again."""

    def __init__(self, path: Path, member: str) -> None:
        self._path, self._member = path, member
        self._file: Any = None
        self._open()

    def __len__(self) -> int:
        return self._shape[0]

    def row_bytes(self) -> int:
        return math.prod(self._shape[1:]) * self._dtype.itemsize

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        if start < self._position:
            self._open()
        try:
            while self._position < start:
                self._take(min(start - self._position, MAX_ROWS))
            return _converted(self._take(stop - start), predictor)
        except (OSError, EOFError, zipfile.BadZipFile, ValueError) as error:
            raise InputError(f"{self._path} is damaged", received=first_line(error)) from error

    def _take(self, count: int) -> NDArray[Any]:
        size = count * self.row_bytes()
        content = self._file.read(size)
        if len(content) != size:
            raise EOFError("it ends too early")
        self._position += count
        return np.frombuffer(content, self._dtype).reshape(count, *self._shape[1:])

    def _open(self) -> None:
        try:
            archive = zipfile.ZipFile(self._path)
            self._file = archive.open(self._member)
            version = np.lib.format.read_magic(self._file)
            reader = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            self._shape, fortran, self._dtype = reader(self._file)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(f"{self._path} is damaged", received=first_line(error)) from error
        if fortran or self._dtype.hasobject or not self._shape:
            raise InputError(
                f"{self._member} in {self._path} is no array of rows",
                expected="numbers in C order, with an axis of rows",
            )
        self._position = 0


class _Parquet:
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
        known = next((name for name in (column,) if name), None) or next(
            (name for name in _COLUMNS if name in names), None
        )
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
        return max(1, sum(self._group_bytes()) // max(1, len(self)))

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
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
        return _each([_plain(value) for value in values], predictor)

    def _group_bytes(self) -> list[int]:
        metadata = self._file.metadata
        return [metadata.row_group(number).total_byte_size for number in range(self._file.num_row_groups)]


def _plain(value: Any) -> Any:
    """Return a picture's bytes or an array; Hugging Face stores pictures as {bytes, path}."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return value if isinstance(value, (bytes, type(None))) else np.asarray(value)


def _each(values: Sequence[Any], predictor: Predictor) -> Rows:
    shape = predictor.signature.input.shape
    found, errors = [], []
    for value in values:
        try:
            if value is None:
                raise InputError("there is nothing in this row")
            if isinstance(value, np.ndarray):
                number = np.float32 if predictor.signature.input.kind == "features" else np.uint8
                if value.size == math.prod(shape):
                    value = value.reshape(shape)  # noqa: PLW2901
                if np.array_equal(value.astype(number), value) or number is np.float32:
                    value = value.astype(number)  # noqa: PLW2901
            found.append(predictor.to_raw(value)[0])
            errors.append("")
        except MissingExtraError:
            raise
        except (EdgeMnistError, ValueError, TypeError) as error:
            errors.append(first_line(error))
    return Rows(_stacked(found, predictor), tuple(errors))


def _converted(array: NDArray[Any], predictor: Predictor) -> Rows:
    raw = predictor.to_raw(array)
    return Rows(raw, ("",) * len(raw))


def _stacked(found: list[NDArray[Any]], predictor: Predictor) -> NDArray[Any]:
    spec = predictor.signature.input
    return np.stack(found) if found else np.zeros((0, *spec.shape), spec.raw_dtype)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} is no .npy file that can be read", received=first_line(error)) from error
    if not array.ndim:
        raise InputError(f"{path} is no array of rows", received="a single number")
    return array


def _npz_member(path: Path, array: str | None) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no .npz file", received=first_line(error)) from error
    chosen = array or next((name for name in _ARRAYS if name in names), None)
    chosen = chosen or (names[0] if len(names) == 1 else None)
    if chosen not in names:
        raise InputError(
            f"{path} has no array {chosen or 'of images or features'}",
            received=", ".join(names),
            expected=" or ".join(_ARRAYS),
            fix="Name the array with --array.",
        )
    return f"{chosen}.npy"
