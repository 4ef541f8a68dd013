"""A model whose layers can be watched, whatever its format."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....runtime.artifact.metadata import read_metadata
from ....runtime.errors import ArtifactError
from ....runtime.signature import InputSpec, ModelSignature
from ....runtime.tensors import TensorSpec

Reals = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LayerOutput:
    """One tensor that a layer outputs.

    Attributes:
        name: The layer's name, or the tensor's where the format names only these.
        kind: The layer's class or the operator, such as "Conv2D" or "CONV_2D".
        scale: The size of one quantization step, or 0.
        limits: The smallest and largest real value that a quantized tensor can hold.
        weight_scales: How many scales the layer's quantized weights have; 0 for float ones.
    """

    name: str
    kind: str
    scale: float = 0.0
    limits: tuple[float, float] | None = None
    weight_scales: int = 0

    @property
    def label(self) -> str:
        """The name in short: the layer in TFLite's path of scopes and operators, the last of several."""
        *_, last = self.name.split(";")
        *scopes, operator = last.partition("/ReadVariableOp")[0].removesuffix(":0").split("/")
        named = [scope for scope in scopes if scope and scope != "batchnorm"]
        return named[-1] if named else operator


@dataclass(frozen=True, slots=True)
class Trace:
    """A loaded model whose layers can be watched.

    Attributes:
        file: The file's name.
        input: What the file takes.
        output: What it gives.
        signature: What its input means, as its metadata or the layers of it say; None where they do not.
        layers: The layers' outputs, in the order in which they are computed.
        parents: For each of them, which of them its layer takes as inputs.
        values: From a raw batch of the input to the real values of each of these.
    """

    file: str
    input: TensorSpec
    output: TensorSpec
    signature: ModelSignature | None
    layers: tuple[LayerOutput, ...]
    parents: tuple[tuple[int, ...], ...]
    values: Callable[[NDArray[Any]], list[Reals]]

    def run(self, raw: NDArray[Any], spec: InputSpec) -> list[Reals]:
        """Return every layer's output for raw items, `(N, ...)`.

        Args:
            raw: The items.
            spec: What they mean to a model that does not say so itself.

        Raises:
            ArtifactError: The model takes items of another shape.
        """
        own = self.signature.input if self.signature else spec
        return self.values(_in_layout(own.encode(raw, self.input), self.input))


def signature_in(metadata: dict[str, str]) -> ModelSignature | None:
    """Return the signature in a file's metadata, if it has one."""
    found = read_metadata(metadata)
    return found.signature if found else None


def parents_of(outputs: Iterable[tuple[Any, Iterable[Any], bool]]) -> tuple[tuple[int, ...], ...]:
    """Return what each watched layer depends on; what is not watched only passes on what was before it.

    Args:
        outputs: Of each operator in order: what it outputs, what it takes, and whether it is watched.
    """
    sources: dict[Any, tuple[int, ...]] = {}
    found: list[tuple[int, ...]] = []
    for output, inputs, watched in outputs:
        before = tuple(dict.fromkeys(each for taken in inputs for each in sources.get(taken, ())))
        sources[output] = (len(found),) if watched else before
        if watched:
            found.append(before)
    return tuple(found)


def _in_layout(inputs: NDArray[Any], tensor: TensorSpec) -> NDArray[Any]:
    """Return inputs in a tensor's layout: axes of 1 dropped or added, or the other of NHWC and NCHW."""
    wanted, given = tensor.shape[1:], inputs.shape[1:]
    if given == wanted:
        return inputs
    if tuple(axis for axis in given if axis != 1) == tuple(axis for axis in wanted if axis != 1):
        return inputs.reshape(len(inputs), *(axis or 1 for axis in wanted))
    for moved in (np.moveaxis(inputs, -1, 1), np.moveaxis(inputs, 1, -1)):
        if moved.shape[1:] == wanted:
            return np.ascontiguousarray(moved)
    raise ArtifactError(
        "the inputs do not fit the model",
        received=f"inputs of the shape {given}",
        expected=f"{wanted}, as the model's input {tensor.name!r} has",
    )
