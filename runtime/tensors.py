"""What a model's input or output tensor is, and the arithmetic between its raw values and real ones."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .errors import ArtifactError, EngineError

_OUTPUT_AXES = 2


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


def image_shape(file: str, model_input: TensorSpec, output: TensorSpec) -> tuple[int, ...]:
    """Return the shape of one image, such as (28, 28), that the model called `file` has as its input.

    Raises:
        ArtifactError: The input is not `(batch, height, width)`, or the output not `(batch, classes)`.
    """
    shape = tuple(axis for axis in model_input.shape[1:] if axis is not None)
    fixed = len(shape) == len(model_input.shape) - 1 and 0 not in shape
    if not (shape and fixed and len(output.shape) == _OUTPUT_AXES and output.shape[1]):
        raise ArtifactError(
            f"{file} does not keep the artifact contract",
            received=f"input {model_input.shape}, output {output.shape}",
            expected="an input of (batch, height, width) and an output of (batch, classes)",
        )
    return shape


def pixel_table(tensor: TensorSpec) -> NDArray[Any] | None:
    """Return the raw input values for the pixels 0..255, or None where pixels go in as they are.

    A real input of 1 is a full pixel (255), as in training. ArtifactError for a dtype that no pixel becomes.
    """
    pixels = np.arange(256)
    dtype = np.dtype(tensor.dtype)
    if tensor.quantized:
        limits = np.iinfo(dtype)
        raw = np.rint(pixels / 255 / tensor.scale) + tensor.zero_point
        table = np.clip(raw, limits.min, limits.max).astype(dtype)
    elif dtype == np.uint8:
        return None
    elif dtype in (np.float32, np.float16):
        table = (pixels / 255).astype(dtype)
    else:
        raise ArtifactError(
            f"the input {tensor.name!r} cannot take pixels",
            received=dtype,
            expected="uint8, float or quantized",
        )
    return None if dtype == np.uint8 and np.array_equal(table, pixels) else table


def checked_run(
    run: Callable[[NDArray[Any]], NDArray[Any]], output: TensorSpec
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return `run`, raising EngineError unless its output is a finite row of the declared dtype an image."""
    classes, dtype = output.shape[-1], output.dtype

    def checked_run(batch: NDArray[Any]) -> NDArray[Any]:
        raw = run(batch)
        if raw.shape != (len(batch), classes) or raw.dtype != dtype:
            raise EngineError(
                "the model's output is not as it declares",
                received=f"{raw.dtype} {raw.shape}",
                expected=f"{dtype} {(len(batch), classes)}",
            )
        # Both find NaN; the first is a quarter of the price for one image.
        if not isfinite(raw[0, raw.argmax()] if len(raw) == 1 else raw.max()):
            raise EngineError("the model returns no finite probabilities for an image")
        return raw

    return checked_run


def to_real(raw: NDArray[Any], tensor: TensorSpec) -> NDArray[np.float32]:
    """Return what a tensor's raw values stand for, as float32 of the same shape."""
    if not tensor.quantized:
        return raw.astype(np.float32, copy=False)
    return (raw.astype(np.float32) - np.float32(tensor.zero_point)) * np.float32(tensor.scale)
