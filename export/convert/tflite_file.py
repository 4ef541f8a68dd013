"""Edits of a TFLite file, as the flatbuffer schema's `ModelT`: names, metadata, operators, and packing."""

import copy
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...proof.inspect.tflite import MIN_RUNTIME, oldest_runtime
from ...runtime.artifact.tflite_file import FILE_IDENTIFIER, tensor_spec
from ...runtime.signature import InputSpec, ModelSignature
from .source import Source

# A hash of a temporary SavedModel is in it, so it differs from one conversion to the next; the versions in
# it are in our own metadata too.
_UNREPEATABLE = b"CONVERSION_METADATA"
_ALIGNMENT_BYTES = 16


def finish(model: Any, source: Source, precision: str, signature: ModelSignature) -> bytes:
    """Return the file of a converted model, with the contract's names, and the contract as its metadata."""
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = signature.input.name.encode()
    graph.tensors[graph.outputs[0]].name = signature.output.name.encode()
    ends = [tensor_spec(model, int(index[0]), schema) for index in (graph.inputs, graph.outputs)]
    texts = {MIN_RUNTIME: oldest_runtime(model, schema)}
    texts |= source.metadata(precision, ends[0], ends[1], signature).to_metadata()
    for entry in [entry for entry in model.metadata if entry.name in {_UNREPEATABLE, MIN_RUNTIME.encode()}]:
        model.metadata.remove(entry)
        model.buffers[entry.buffer].data = None
    for name, text in texts.items():
        entry = schema.MetadataT()
        entry.name, entry.buffer = name.encode(), _add_buffer(model, text.encode())
        model.metadata.append(entry)
    return pack(model)


def pack(model: Any) -> bytes:
    """Return a model's flatbuffer, each buffer on a boundary of 16 bytes as the schema demands."""
    builder = _AligningBuilder()
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


class _AligningBuilder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers has no types
    """A builder that aligns vectors of bytes.

    The schema says `force_align: 16`; the Python code that flatc generates (25.12) does not keep it.
    """

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803 - its names
        """Begin a vector, at a multiple of 16 bytes if it is one of bytes."""
        return super().StartVector(elemSize, numElems, _ALIGNMENT_BYTES if elemSize == 1 else alignment)


def scale_first(model: Any, spec: InputSpec) -> None:
    """Put `raw * scale + offset` in front of a model whose input is floats, so that its input is raw.

    Args:
        model: The model, changed in place.
        spec: What its input is now: raw items times scale, plus offset.
    """
    graph = model.subgraphs[0]
    types, operators, options = schema.TensorType, schema.BuiltinOperator, schema.BuiltinOptions
    floats = int(graph.inputs[0])
    steps: list[tuple[int, int, Any, tuple[float, ...]]] = []
    if spec.is_scaled:
        steps.append((operators.MUL, options.MulOptions, schema.MulOptionsT(), spec.scale))
    if any(spec.offset):
        steps.append((operators.ADD, options.AddOptions, schema.AddOptionsT(), spec.offset))
    added, raw = [], floats
    for builtin, options_type, option, numbers in reversed(steps):
        before = _add_tensor(model, f"{raw} before", types.FLOAT32, like=floats)
        constant = np.array(numbers if len(numbers) > 1 else numbers[0], np.float32)
        factor = _add_tensor(model, f"{raw} with", types.FLOAT32, content=constant)
        added.append(_operator(model, builtin, [before, factor], raw, options_type, option))
        raw = before
    if spec.kind == "image":
        pixels = _add_tensor(model, "pixels", types.UINT8, like=floats)
        to_float = schema.CastOptionsT()
        to_float.inDataType, to_float.outDataType = types.UINT8, types.FLOAT32
        added.append(_operator(model, operators.CAST, [pixels], raw, options.CastOptions, to_float))
        raw = pixels
    graph.operators[:0] = reversed(added)
    graph.inputs = np.array([raw], np.int32)
    for signature in model.signatureDefs:
        signature.inputs[0].tensorIndex = raw


def _add_tensor(
    model: Any, name: str, dtype: int, *, like: int | None = None, content: NDArray[Any] | None = None
) -> int:
    """Add a tensor of another one's shape, or a constant, and return its number."""
    tensors = model.subgraphs[0].tensors
    tensor = schema.TensorT() if like is None else copy.copy(tensors[like])
    tensor.name, tensor.type, tensor.quantization = name.encode(), dtype, None
    tensor.buffer = 0
    if content is not None:
        tensor.shape = np.array(content.shape, np.int32)
        tensor.buffer = _add_buffer(model, content.tobytes())
    tensors.append(tensor)
    return len(tensors) - 1


def _add_buffer(model: Any, content: bytes) -> int:
    """Store bytes in a model and return the number of the new buffer."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _operator(
    model: Any, builtin: int, inputs: list[int], output: int, options_type: int, options: Any
) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
    operator.builtinOptionsType, operator.builtinOptions = options_type, options
    return operator
