"""Arrays that may be larger than memory: read in batches, and held whole where they are small."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_IN_MEMORY_BYTES = 512 * 1024 * 1024
BATCH_BYTES = 16 * 1024 * 1024


class LazyArray(ABC):
    """Rows that are read when they are asked for; `numpy.asarray` reads them all.

    Attributes:
        shape: As an array has it, `(N, ...)`.
        dtype: Of what is read.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    @abstractmethod
    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return these rows, `(len(indices), *shape[1:])`."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that all rows take in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        indices = np.arange(len(self))[key]
        return self.read(indices) if indices.ndim else self.read(indices[None])[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.read(np.arange(len(self))).astype(dtype or self.dtype, copy=False)


Inputs = NDArray[Any] | LazyArray


class View(LazyArray):
    """Some rows of another array, in another shape or dtype, converted when they are read."""

    def __init__(
        self,
        base: Inputs,
        *,
        indices: NDArray[np.int64] | None = None,
        row_shape: tuple[int, ...] | None = None,
        dtype: Any = None,
    ) -> None:
        self._base = base
        self._indices = np.arange(len(base)) if indices is None else indices
        row = base.shape[1:] if row_shape is None else row_shape
        super().__init__((len(self._indices), *row), dtype or base.dtype)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return these rows."""
        with np.errstate(over="ignore"):  # what does not fit is infinite, and refused for that
            rows = np.asarray(self._base[self._indices[indices]]).astype(self.dtype, copy=False)
        return rows.reshape(len(indices), *self.shape[1:])


def settled(inputs: Inputs) -> Inputs:
    """Return a lazy array as a plain one if it is small."""
    return np.asarray(inputs) if inputs.nbytes <= MAX_IN_MEMORY_BYTES else inputs


def batches(inputs: Inputs, size: int | None = None) -> Iterator[NDArray[Any]]:
    """Yield all rows in order, `size` at a time, or as many as `BATCH_BYTES` hold."""
    size = size or max(1, BATCH_BYTES * len(inputs) // max(inputs.nbytes, 1))
    for start in range(0, len(inputs), size):
        yield inputs[start : start + size]
