"""Edits of a TFLite file, as the flatbuffer schema's `ModelT`: names, metadata, operators, and packing."""

import copy
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ...proof.format_spec import INPUT_NAME, OUTPUT_NAME
from ...proof.inspect.tflite import MIN_RUNTIME, oldest_runtime
from ...runtime.artifact.tflite_file import FILE_IDENTIFIER, tensor_spec
from .source import Source

# A hash of a temporary SavedModel is in it, so it differs from one conversion to the next; the versions in
# it are in our own metadata too.
_UNREPEATABLE = b"CONVERSION_METADATA"
_ALIGNMENT_BYTES = 16


def finish(model: Any, source: Source, precision: str) -> bytes:
    """Return the file of a converted model, with the contract's names, and the contract as its metadata."""
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = INPUT_NAME.encode()
    graph.tensors[graph.outputs[0]].name = OUTPUT_NAME.encode()
    ends = (tensor_spec(model, index[0], schema) for index in (graph.inputs, graph.outputs))
    texts = {MIN_RUNTIME: oldest_runtime(model, schema)}
    texts |= source.metadata(precision, *ends).to_metadata()
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


def scale_pixels_first(model: Any) -> None:
    """Put `image / 255` in front of a model whose input is floats, so that its input is uint8 pixels."""
    graph = model.subgraphs[0]
    types, operators, options = schema.TensorType, schema.BuiltinOperator, schema.BuiltinOptions
    floats = int(graph.inputs[0])
    pixels = _add_tensor(model, "pixels", types.UINT8, like=floats)
    cast = _add_tensor(model, "cast", types.FLOAT32, like=floats)
    scale = _add_tensor(model, "scale", types.FLOAT32, content=np.float32(1 / 255).tobytes())
    to_float = schema.CastOptionsT()
    to_float.inDataType, to_float.outDataType = types.UINT8, types.FLOAT32
    graph.operators[:0] = [
        _operator(model, operators.CAST, [pixels], cast, options.CastOptions, to_float),
        _operator(model, operators.MUL, [cast, scale], floats, options.MulOptions, schema.MulOptionsT()),
    ]
    graph.inputs = np.array([pixels], np.int32)
    for signature in model.signatureDefs:
        signature.inputs[0].tensorIndex = pixels


def _add_tensor(model: Any, name: str, dtype: int, *, like: int | None = None, content: bytes = b"") -> int:
    """Add a tensor of another one's shape, or a scalar, and return its number."""
    tensors = model.subgraphs[0].tensors
    tensor = schema.TensorT() if like is None else copy.copy(tensors[like])
    tensor.name, tensor.type, tensor.quantization = name.encode(), dtype, None
    tensor.shape = np.array([], np.int32) if like is None else tensor.shape
    tensor.buffer = _add_buffer(model, content) if content else 0
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
