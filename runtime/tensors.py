"""What a model's input or output tensor is, and the arithmetic between its raw values and real ones."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .errors import ArtifactError, EngineError

_OUTPUT_AXES = 2
_MANY_ROWS, _SHORT_ROW = 4096, 32


class TensorSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """An input or output tensor.

    A quantized tensor stands for `real = scale * (raw - zero_point)`, the TensorFlow Lite 8-bit quantization
    specification's formula. A tensor without quantization has scale 0.

    Attributes:
        dtype: The numpy name of its element type, such as "uint8".
        shape: Its axes; None is the batch, any size.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    scale: float = 0.0
    zero_point: int = 0

    @property
    def quantized(self) -> bool:
        """Whether raw values are integers that stand for real ones."""
        return self.scale != 0.0


def require_one(tensors: Sequence[TensorSpec]) -> TensorSpec:
    """Return a model's only input, or its only output; ArtifactError if there are none, or several."""
    if len(tensors) != 1:
        raise ArtifactError(
            "the model does not keep the artifact contract",
            received=f"{len(tensors)} tensors ({', '.join(tensor.name for tensor in tensors)})",
            expected="one input and one output",
        )
    return tensors[0]


def checked_run(
    run: Callable[[NDArray[Any]], NDArray[Any]], output: TensorSpec
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return `run`, raising EngineError unless its output is a finite row of the declared dtype an image."""
    item, dtype = output.shape[1:], output.dtype

    def checked_run(batch: NDArray[Any]) -> NDArray[Any]:
        raw = run(batch)
        if raw.shape != (len(batch), *item) or raw.dtype != dtype:
            raise EngineError(
                "the model's output is not as it declares",
                received=f"{raw.dtype} {raw.shape}",
                expected=f"{dtype} {(len(batch), *item)}",
            )
        # Of one row of probabilities the largest is NaN if any is, and found at a quarter of the price.
        one_row = len(raw) == 1 and len(item) == 1
        if not (isfinite(raw[0, raw.argmax()]) if one_row else np.isfinite(raw).all()):
            raise EngineError("the model returns no finite output for an item")
        return raw

    return checked_run


def to_real(raw: NDArray[Any], tensor: TensorSpec) -> NDArray[np.float32]:
    """Return what a tensor's raw values stand for, as float32 of the same shape."""
    if not tensor.quantized:
        return raw.astype(np.float32, copy=False)
    return (raw.astype(np.float32) - np.float32(tensor.zero_point)) * np.float32(tensor.scale)


def largest_of_rows(raw: NDArray[Any]) -> NDArray[np.int64]:
    """Return where the first largest number of each row is, `(N,)` int64."""
    if len(raw) < _MANY_ROWS or raw.shape[1] > _SHORT_ROW or raw.dtype.kind not in "iu":
        found: NDArray[np.int64] = raw.argmax(axis=1)
        return found
    # A third of the time, which no other thread shares: numpy finds a short row's largest without vectors.
    first, *others = np.ascontiguousarray(raw.T)
    largest, indices = first.copy(), np.zeros(len(raw), np.uint8)
    for number, column in enumerate(others, 1):
        np.maximum(indices, (column > largest) * np.uint8(number), out=indices)
        np.maximum(largest, column, out=largest)
    return indices.astype(np.int64)
