"""What a caller asks of a data set: the shape, kind and meaning that its model's signature has."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..runtime.errors import DatasetError, OptionError
from .lazy import Inputs, View, settled

SPLIT_SEED = 20_261_122
TEST_SHARE = 0.2
EXPECTED_INPUTS = (
    "uint8 images (N, height, width) or (N, height, width, channels), or float32 features (N, ...)"
)
_IMAGE_AXES = (3, 4)
_TABLE_AXES = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a data set.

    Attributes:
        shape: Of one input, such as (32, 32, 3); None takes what is there. Rows of numbers are brought into
            it in C order, and a last axis of 1 is added or dropped.
        kind: "image": uint8 images; "features": float32 of any shape, images converted too; None: images
            where the file has them, else features.
        output: "classes": labels are class numbers or names; "values": targets are numbers.
        class_names: A name for each class, by its number; empty takes those of the data set.
        resize: Whether pictures of another size than `shape` are resized, rather than refused.
        seed: What a data set without a test part of its own is split with.
        test_share: The share of it that becomes the test part.
    """

    shape: tuple[int, ...] | None = None
    kind: Literal["image", "features"] | None = None
    output: Literal["classes", "values"] = "classes"
    class_names: tuple[str, ...] = ()
    resize: bool = False
    seed: int = SPLIT_SEED
    test_share: float = TEST_SHARE

    def __post_init__(self) -> None:
        if not 0 < self.test_share < 1:
            raise OptionError(
                "a test share that is none", received=self.test_share, expected="above 0, below 1"
            )


def conformed(inputs: Inputs, source: str, wanted: Wanted) -> Inputs:
    """Return inputs in the wanted shape, as uint8 images or float32 features; lazily where they are large.

    Raises:
        DatasetError: They are neither, or of another shape.
    """
    if not inputs.ndim or 0 in inputs.shape:
        raise _refusal(inputs, source, "without any values")
    dtype = _dtype(inputs, source, wanted)
    row_shape = _row_shape(inputs.shape[1:], source, wanted.shape)
    if (inputs.shape[1:], inputs.dtype) == (row_shape, dtype):
        return inputs
    return settled(View(inputs, row_shape=row_shape, dtype=dtype))


def _dtype(inputs: Inputs, source: str, wanted: Wanted) -> Any:
    axes, kind = inputs.ndim, inputs.dtype.kind
    if inputs.dtype == np.uint8 and wanted.kind != "features":
        flat = axes == _TABLE_AXES and wanted.shape is not None and 1 + len(wanted.shape) in _IMAGE_AXES
        if axes in _IMAGE_AXES or (flat and wanted.kind == "image"):
            return np.uint8
    if wanted.kind == "image":
        raise _refusal(inputs, source, "of the wrong shape or dtype")
    if kind == "f" or (kind in "iu" and axes <= _TABLE_AXES) or inputs.dtype == np.uint8:
        return np.float32
    raise _refusal(inputs, source, "of the wrong shape or dtype")


def _row_shape(found: tuple[int, ...], source: str, wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    if wanted is None or found == wanted:
        return found
    one_is_flat = 1 in (len(found), len(wanted)) or not found
    if math.prod(found) == math.prod(wanted) and (one_is_flat or _unstacked(found) == _unstacked(wanted)):
        return wanted
    raise DatasetError(
        f"the inputs of {source} have another shape than the model's",
        received=found,
        expected=wanted,
        fix="Give data of the model's input shape.",
    )


def _unstacked(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:-1] if shape[-1:] == (1,) else shape


def _refusal(inputs: Inputs, source: str, problem: str) -> DatasetError:
    return DatasetError(
        f"{source} has inputs {problem}",
        received=f"{inputs.dtype} {inputs.shape}",
        expected=f"{EXPECTED_INPUTS}, N >= 1",
        fix="Give images of 8 bits a channel, or features as floating-point numbers.",
    )
