"""The format spec: what the files of a format must contain, and the check of a file against it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..runtime.errors import ArtifactError
from ..runtime.tensors import TensorSpec, pixel_table
from .inspect.structure import Structure

INPUT_NAME = "image"
OUTPUT_NAME = "probabilities"
BATCH_NAME = "batch"
_UNINITIALIZED = "VAR_HANDLE"


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """What the files of one format and precision must contain.

    Always: one input and one output with a dynamic batch, and only operators that every runtime of the format
    has.

    Attributes:
        weights: The element type of each weight.
        runtime: The oldest runtime release that must run it, such as "TensorFlow Lite 2.10.0"; None: any.
        inputs: The element types allowed for the input: raw pixels as uint8, or minus 128 as int8.
        outputs: The element types allowed for the output.
        tensors: The element types allowed for any tensor; None: all.
        contract: Whether the artifact contract's names and raw pixels are required; not of the source model.
    """

    weights: str
    runtime: str | None
    inputs: tuple[str, ...] = ("uint8",)
    outputs: tuple[str, ...] = ("float32",)
    tensors: tuple[str, ...] | None = None
    contract: bool = True

    def violations(self, structure: Structure) -> tuple[str, ...]:
        """Return a sentence for each violation."""
        return (
            *self._of_end("input", structure.inputs, INPUT_NAME, self.inputs),
            *self._of_end("output", structure.outputs, OUTPUT_NAME, self.outputs),
            *self._of_tensors(structure),
            *_of_operators(structure),
            *self._of_runtime(structure),
        )

    def _of_end(
        self, role: str, tensors: tuple[TensorSpec, ...], name: str, dtypes: tuple[str, ...]
    ) -> Iterator[str]:
        if [tensor.shape[:1] for tensor in tensors] != [(None,)]:
            yield f"its {role} is not one tensor with a dynamic batch"
            return
        tensor = tensors[0]
        if self.contract and tensor.name != name:
            yield f"its {role} is called {tensor.name!r}, not {name!r}"
        if tensor.dtype not in dtypes:
            yield f"its {role} is {tensor.dtype}, not {' or '.join(dtypes)}"
        elif self.contract and role == "input" and not _is_raw_pixels(tensor):
            yield (
                "its input is not raw pixels, since the calibration images do not span 0 to 255"
                " (calibrate on more images)"
            )

    def _of_tensors(self, structure: Structure) -> Iterator[str]:
        weights = [tensor for tensor in structure.tensors if tensor.is_weight]
        if not weights:
            yield "its weights are not in the file"
        for tensor in weights:
            if tensor.dtype != self.weights:
                yield f"the weights {tensor.name} are {tensor.dtype}, not {self.weights}"
        for tensor in structure.tensors:
            if self.tensors is not None and tensor.dtype not in self.tensors:
                yield f"tensor {tensor.name} is {tensor.dtype}"
        if any(name != BATCH_NAME for name in structure.dynamic_axes):
            yield f"its dynamic axes are called {', '.join(structure.dynamic_axes)}, not {BATCH_NAME}"

    def _of_runtime(self, structure: Structure) -> Iterator[str]:
        if self.runtime is not None and _release(structure.oldest_runtime) > _release(self.runtime):
            yield f"it needs {structure.oldest_runtime}, newer than {self.runtime}"


def _of_operators(structure: Structure) -> Iterator[str]:
    for operator in structure.operators:
        if not operator.builtin:
            yield f"operator {operator.name} is not a standard one"
        if operator.name == _UNINITIALIZED:
            yield "its weights are variables that nothing sets"


def _is_raw_pixels(tensor: TensorSpec) -> bool:
    try:
        table = pixel_table(tensor)
    except ArtifactError:
        return False
    if tensor.dtype == "int8":
        return table is not None and np.array_equal(table, np.arange(-128, 128))
    return table is None


def _release(runtime: str) -> tuple[int, ...]:
    """Return the numbers of a release such as "ONNX Runtime 1.8"; one without numbers is newer than all."""
    number = runtime.rpartition(" ")[2]
    return tuple(int(part) for part in number.split(".")) if number[:1].isdigit() else (10**9,)
