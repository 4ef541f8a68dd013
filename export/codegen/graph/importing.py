"""From the bytes of a TFLite file to the graph of `ir`."""

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ....runtime.artifact.tflite_file import FILE_IDENTIFIER, metadata_of, operator_name, unpack
from ....runtime.errors import ArtifactError, ConversionError, EdgeMnistError
from .ir import Graph, Node, Tensor

_DTYPES = {
    number: name.lower()
    for name, number in vars(schema.TensorType).items()
    if name in {"INT8", "UINT8", "INT16", "INT32", "INT64", "FLOAT32", "BOOL"}
}
_OPTIONS = {number: name for name, number in vars(schema.BuiltinOptions).items() if not name.startswith("_")}


def read_graph(content: bytes) -> Graph:
    """Read a TFLite file.

    Raises:
        ArtifactError: It is no TFLite file, or a damaged one.
        ConversionError: It holds several subgraphs, or a tensor of a type that no kernel has.
    """
    try:
        return _graph(unpack(content, schema))
    except EdgeMnistError:
        raise
    except Exception as error:  # the generated reader raises whatever a wrong offset leads to
        raise ArtifactError("the TFLite file is damaged", received=repr(error)) from error


def with_version(content: bytes, operator: str, version: int) -> bytes:
    """Return a TFLite file that asks for another version of an operator, and is the same otherwise."""
    model = unpack(content, schema)
    number = vars(schema.BuiltinOperator)[operator]
    for code in model.operatorCodes:
        if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
            code.version = version
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def _graph(model: Any) -> Graph:
    if len(model.subgraphs) != 1:
        raise ConversionError(
            "C is written of one graph", received=f"{len(model.subgraphs)} subgraphs", expected="1"
        )
    graph = model.subgraphs[0]
    tensors = [_tensor(model, tensor) for tensor in graph.tensors]
    nodes = tuple(
        Node(
            operator_name(model, node, schema),
            tuple(tensors[index] if index >= 0 else None for index in node.inputs),
            tuple(tensors[index] for index in node.outputs),
            {} if node.builtinOptions is None else vars(node.builtinOptions),
            position,
        )
        for position, node in enumerate(graph.operators)
    )
    return Graph(
        tuple(tensors[index] for index in graph.inputs),
        tuple(tensors[index] for index in graph.outputs),
        nodes,
        metadata_of(model),
    )


def _tensor(model: Any, tensor: Any) -> Tensor:
    name = tensor.name.decode(errors="replace") if tensor.name else ""
    if tensor.type not in _DTYPES:
        types = {number: name for name, number in vars(schema.TensorType).items()}
        raise ConversionError(
            f"no kernel has the element type of the tensor {name!r}",
            received=types.get(tensor.type, tensor.type),
            expected=", ".join(_DTYPES.values()),
        )
    if tensor.sparsity is not None:
        raise ConversionError(f"the tensor {name!r} is stored sparsely", expected="dense constants")
    dtype = _DTYPES[tensor.type]
    shape = () if tensor.shape is None else tuple(int(axis) for axis in tensor.shape)
    raw = model.buffers[tensor.buffer].data
    data = None
    if raw is not None and len(raw):
        data = np.frombuffer(np.asarray(raw, np.uint8).tobytes(), dtype).reshape(shape)
    elif 0 in shape:
        data = np.zeros(shape, dtype)
    quantization = tensor.quantization
    scales = None if quantization is None else quantization.scale
    zero_points = None if quantization is None else quantization.zeroPoint
    steps = np.asarray(() if scales is None else scales, np.float32)
    zeros = np.asarray(() if zero_points is None else zero_points, np.int64)
    if not np.all(np.isfinite(steps) & (steps >= 0)):
        raise ConversionError(f"a scale of the tensor {name!r} is not a positive number", received=steps)
    if len(zeros) < len(steps):
        zeros = np.zeros(len(steps), np.int64) if not len(zeros) else np.resize(zeros, len(steps))
    axis = 0 if quantization is None else int(quantization.quantizedDimension)
    return Tensor(name, dtype, shape, steps, zeros, axis, data)
