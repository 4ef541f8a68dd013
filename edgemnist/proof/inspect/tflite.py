"""TFLite files, read by the flatbuffer schema that LiteRT ships."""

from collections.abc import Sequence
from typing import Any

from ...runtime.artifact.tflite_file import (
    dtype_of,
    metadata_of,
    operator_name,
    quantization_of,
    shape_of,
    tensor_spec,
    unpack,
)
from ...runtime.errors import MissingExtraError
from .structure import GraphTensor, Operator, Structure

KIND = "a TFLite model"
MIN_RUNTIME = "min_runtime_version"
_TF_SELECT_PREFIX = "Flex"
_DENSE = "FULLY_CONNECTED"

# Releases that ran whole test sets, see benchmarks/studies/systems/oldest_runtime.py. 2.7 is the oldest that
# PyPI still has. With one scale per channel, 2.7 to 2.9 load a dense layer, ignore all scales but one, and
# answer at random; the converter (TensorFlow 2.21) nevertheless writes a min_runtime_version of 1.14 for
# it.
_OLDEST_TESTED = (2, 7, 0)
_OLDEST_WITH_DENSE_PER_CHANNEL = (2, 10, 0)


def read(_name: str, content: bytes) -> Structure:
    """Read a TFLite file; MissingExtraError if LiteRT is not installed."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise MissingExtraError("ai_edge_litert", "litert", "reading a TFLite file") from error
    model = unpack(content, schema)
    graph = model.subgraphs[0]
    tensors = tuple(_tensor(schema, model, tensor) for tensor in graph.tensors)
    operators = tuple(_operator(schema, model, node, tensors) for node in graph.operators)
    return Structure(
        inputs=tuple(tensor_spec(model, index, schema) for index in graph.inputs),
        outputs=tuple(tensor_spec(model, index, schema) for index in graph.outputs),
        tensors=tensors,
        operators=operators,
        versions={"schema": model.version},
        oldest_runtime=f"TensorFlow Lite {oldest_runtime(model, schema)}",
        metadata=metadata_of(model),
    )


def oldest_runtime(model: Any, schema: Any) -> str:
    """Return the number of the oldest TensorFlow Lite release that runs a model, such as "2.10.0"."""
    graph = model.subgraphs[0]
    tensors = [_tensor(schema, model, tensor) for tensor in graph.tensors]
    operators = [_operator(schema, model, node, tensors) for node in graph.operators]
    per_channel = {tensor.name for tensor in tensors if len(tensor.scales) > 1 and tensor.is_weight}
    dense_inputs = {name for operator in operators if operator.name == _DENSE for name in operator.inputs}
    floor = _OLDEST_WITH_DENSE_PER_CHANNEL if per_channel & dense_inputs else _OLDEST_TESTED
    declared = metadata_of(model).get(MIN_RUNTIME) or "0"
    return ".".join(map(str, max(floor, tuple(int(part) for part in declared.split(".")))))


def _tensor(schema: Any, model: Any, tensor: Any) -> GraphTensor:
    content = model.buffers[tensor.buffer].data
    return GraphTensor(
        tensor.name.decode(),
        dtype_of(tensor, schema),
        shape_of(tensor),
        0 if content is None else len(content),
        *quantization_of(tensor),
    )


def _operator(schema: Any, model: Any, node: Any, tensors: Sequence[GraphTensor]) -> Operator:
    inputs = tuple(tensors[index].name for index in node.inputs if index >= 0)
    outputs = tuple(tensors[index].name for index in node.outputs)
    name = operator_name(model, node, schema)
    custom = bool(model.operatorCodes[node.opcodeIndex].customCode)
    return Operator(name, not custom and not name.startswith(_TF_SELECT_PREFIX), inputs, outputs)
