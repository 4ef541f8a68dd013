"""Arrays to score: in memory, mapped from an .npy file, or streamed from an .npz."""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.archives import array_header, array_names
from ...runtime.errors import InputError, first_line
from ...runtime.predictor import Predictor
from .rows import MAX_ROWS, Rows, converted

_ARRAYS = ("x_test", "images", "features", "x")


class Array:
    """An array in memory, or mapped from its file."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""
        return self._array[:1].nbytes

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""
        return converted(self._array[start:stop], predictor)


class ArrayStream:
    """An array in an .npz, unpacked as it is read; a process reads forward, or begins again."""

    def __init__(self, path: Path, member: str) -> None:
        self._path, self._member = path, member
        self._file: Any = None
        self._open()

    def __len__(self) -> int:
        return self._shape[0]

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""
        return math.prod(self._shape[1:]) * self._dtype.itemsize

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""
        if start < self._position:
            self._open()
        try:
            while self._position < start:
                self._take(min(start - self._position, MAX_ROWS))
            return converted(self._take(stop - start), predictor)
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
            self._file = zipfile.ZipFile(self._path).open(self._member)  # noqa: SIM115 - read on later
            self._dtype, self._shape, order = array_header(self._file, self._member)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(f"{self._path} is damaged", received=first_line(error)) from error
        if order != "C" or not self._shape:
            raise InputError(
                f"{self._member} in {self._path} is no array of rows",
                expected="numbers in C order, with an axis of rows",
            )
        self._position = 0


def mapped(path: Path) -> NDArray[Any]:
    """Return the array in an .npy file, mapped from it; InputError if there is none."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} is no .npy file that can be read", received=first_line(error)) from error
    if not array.ndim:
        raise InputError(f"{path} is no array of rows", received="a single number")
    return array


def npz_member(path: Path, array: str | None) -> str:
    """Return the name in an .npz of the array that is meant.

    Raises:
        InputError: It is no .npz file, or has no such array.
    """
    try:
        names = array_names(path)
    except (OSError, ValueError) as error:
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
