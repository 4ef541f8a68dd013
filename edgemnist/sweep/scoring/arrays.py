"""Arrays to score: in memory, mapped from an .npy file, or streamed from an .npz or a packed IDX file."""

import gzip
import math
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.idx import read_header
from ...runtime.archives import array_header, array_names
from ...runtime.errors import InputError, first_line
from ...runtime.predictor import Predictor
from .rows import Rows, converted

_ARRAYS = ("x_test", "images", "features", "x")
_DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)

Opened = tuple[Any, np.dtype[Any], tuple[int, ...]]
"""A file whose next byte is the first of the rows, their dtype, and the array's shape."""


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
    """An array in a file, read as it is needed; a packed one is unpacked up to there."""

    def __init__(self, path: Path, open_array: Callable[[], Opened]) -> None:
        """Open the array.

        Raises:
            InputError: It is damaged, or no array of rows.
            DatasetError: An IDX file contains something else.
        """
        self._path = path
        try:
            self._file, self._dtype, self._shape = open_array()
            self._begin = self._file.tell()
        except _DAMAGED as error:
            raise InputError(f"{path} is damaged", received=first_line(error)) from error
        if not self._shape:
            raise InputError(f"{path} is no array of rows", received="a single number")

    def __len__(self) -> int:
        return self._shape[0]

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""
        return math.prod(self._shape[1:]) * self._dtype.itemsize

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""
        place, size = self._begin + start * self.row_bytes(), (stop - start) * self.row_bytes()
        try:
            if self._file.tell() != place:  # a seek to where it is would end the check of an .npz' sum
                self._file.seek(place)
            content = self._file.read(size)
            # A gzip file's sum is checked where it ends.
            more = stop == len(self) and self._file.read(1)
        except _DAMAGED as error:
            raise InputError(f"{self._path} is damaged", received=first_line(error)) from error
        if len(content) != size or more:
            received = "an array that does not end where its header says"
            raise InputError(f"{self._path} is damaged", received=received)
        array = np.frombuffer(content, self._dtype).reshape(stop - start, *self._shape[1:])
        return converted(array, predictor)


def open_npz(path: Path, member: str) -> Opened:
    """Open an array in an .npz file; errors as `zipfile` and `array_header` have them."""
    file = zipfile.ZipFile(path).open(member)  # noqa: SIM115 - read on later
    dtype, shape, order = array_header(file, member)
    if order != "C":
        raise ValueError(f"{member} is not in C order")
    return file, dtype, shape


def open_gzip(path: Path) -> Opened:
    """Open a packed IDX file of images or features; errors as of `gzip` and `read_header`."""
    file = gzip.open(path)  # noqa: SIM115 - read on later
    return file, *read_header(path, file)


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
