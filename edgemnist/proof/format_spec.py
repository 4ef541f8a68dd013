"""The format spec: what the files of a format must contain, and the check of a file against it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..runtime.errors import ArtifactError
from ..runtime.signature import InputSpec, ModelSignature
from ..runtime.tensors import TensorSpec
from .inspect.structure import GraphTensor, Structure

BATCH_NAME = "batch"
_UNINITIALIZED = "VAR_HANDLE"
# By the operators' names in TFLite and in ONNX: those whose second input is what was trained.
_WITH_WEIGHTS = {
    *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D", "BATCH_MATMUL"),
    *(
        "Conv",
        "ConvTranspose",
        "Gemm",
        "MatMul",
        "ConvInteger",
        "MatMulInteger",
        "QLinearConv",
        "QLinearMatMul",
    ),
}
_WIDENING = ("DEQUANTIZE", "DequantizeLinear", "Cast", "TRANSPOSE", "Transpose", "Reshape", "RESHAPE")
# Dynamic range quantization leaves smaller ones as floats (TensorFlow's `kMinSizeForQuantization`).
_SMALLEST_QUANTIZED = 1024


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """What the files of one format and precision must contain.

    Always: one input and one output with a dynamic batch, unless a fixed one was asked for, and only
    operators that every runtime of the format has.

    Attributes:
        weights: The element type of each weight.
        small_weights: The element type that weights below 1,024 elements may have too; "" is no other.
        or_float32: Whether any weight may be float32 too.
        full_integer: Whether all tensors are integers, input and output too.
        contract: Whether the artifact contract's names and raw input are required; not of the source model.
    """

    weights: str
    small_weights: str = ""
    or_float32: bool = False
    full_integer: bool = False
    contract: bool = True

    def violations(
        self, structure: Structure, signature: ModelSignature, batch: int | None = None
    ) -> tuple[str, ...]:
        """Return a sentence for each violation.

        Args:
            structure: What the file contains.
            signature: Of the file.
            batch: The size of its batch; None is any.
        """
        return (
            *self._of_end("input", structure.inputs, signature.input.name, batch),
            *self._of_end("output", structure.outputs, signature.output.name, batch),
            *(self._of_input(structure.inputs[0], signature.input) if self.contract else ()),
            *self._of_weights(structure),
            *self._of_tensors(structure),
            *_of_operators(structure),
        )

    def _of_end(
        self, role: str, tensors: tuple[TensorSpec, ...], name: str, batch: int | None
    ) -> Iterator[str]:
        if [tensor.shape[:1] for tensor in tensors] != [(batch,)]:
            wanted = "dynamic batch" if batch is None else f"batch of {batch}"
            yield f"its {role} is not one tensor with a {wanted}"
            return
        tensor = tensors[0]
        if self.contract and tensor.name != name:
            yield f"its {role} is called {tensor.name!r}, not {name!r}"
        if self.full_integer:
            if tensor.dtype not in ("uint8", "int8"):
                yield f"its {role} is {tensor.dtype}, not uint8 or int8"
        elif role == "output" and tensor.dtype != "float32":
            yield f"its {role} is {tensor.dtype}, not float32"

    def _of_input(self, tensor: TensorSpec, spec: InputSpec) -> Iterator[str]:
        if spec.kind == "features":
            if not self.full_integer and tensor.dtype != "float32":
                yield f"its input is {tensor.dtype}, not float32"
        elif not self.full_integer and tensor.dtype != "uint8":
            yield f"its input is {tensor.dtype}, not uint8"
        elif not _is_raw_pixels(tensor, spec):
            yield "its input is not raw pixels"

    def _of_weights(self, structure: Structure) -> Iterator[str]:
        weights = tuple(weights_of(structure))
        if not weights and any(operator.name in _WITH_WEIGHTS for operator in structure.operators):
            yield "its weights are not in the file"
        for tensor in weights:
            elements = math.prod(axis or 1 for axis in tensor.shape)
            small = elements < _SMALLEST_QUANTIZED and tensor.dtype == self.small_weights
            kept = self.or_float32 and tensor.dtype == "float32"
            if tensor.dtype != self.weights and not small and not kept:
                yield f"the weights {tensor.name} are {tensor.dtype}, not {self.weights}"

    def _of_tensors(self, structure: Structure) -> Iterator[str]:
        for tensor in structure.tensors:
            if self.full_integer and np.dtype(tensor.dtype).kind not in "iub":
                yield f"tensor {tensor.name} is {tensor.dtype}"
        if any(name != BATCH_NAME for name in structure.dynamic_axes):
            yield f"its dynamic axes are called {', '.join(structure.dynamic_axes)}, not {BATCH_NAME}"


def weights_of(structure: Structure) -> Iterator[GraphTensor]:
    """Yield each constant that a layer multiplies with, whatever widens or turns it first."""
    made_by = {name: operator for operator in structure.operators for name in operator.outputs}
    tensors = {tensor.name: tensor for tensor in structure.tensors}
    seen = set()
    for operator in structure.operators:
        if operator.name not in _WITH_WEIGHTS:
            continue
        for name in operator.inputs[:2]:
            while name in made_by and made_by[name].name in _WIDENING:
                name = made_by[name].inputs[0]  # noqa: PLW2901 - what it is made of
            tensor = tensors.get(name)
            if tensor is not None and tensor.is_weight and name not in seen:
                seen.add(name)
                yield tensor


def _of_operators(structure: Structure) -> Iterator[str]:
    for operator in structure.operators:
        if not operator.builtin:
            yield f"operator {operator.name} is not a standard one"
        if operator.name == _UNINITIALIZED:
            yield "its weights are variables that nothing sets"


def _is_raw_pixels(tensor: TensorSpec, spec: InputSpec) -> bool:
    """Whether a pixel is its own value in the tensor, or that minus 128."""
    try:
        table = spec.pixel_table(tensor)
    except ArtifactError:
        return False
    if table is None:
        return True
    return tensor.dtype == "int8" and np.array_equal(table, np.arange(-128, 128))
