"""TFLite files, read by the flatbuffer schema that LiteRT ships."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...runtime.errors import ArtifactError, MissingExtraError
from ...runtime.tensors import TensorSpec
from .structure import GraphTensor, Operator, Structure

FILE_IDENTIFIER = b"TFL3"
MIN_RUNTIME = "min_runtime_version"
_TF_SELECT_PREFIX = "Flex"
_DENSE = "FULLY_CONNECTED"

# Releases that ran whole test sets, see benchmarks/studies/oldest_runtime.py. 2.7 is the oldest that PyPI
# still has. With one scale per channel, 2.7 to 2.9 load a dense layer, ignore all scales but one, and
# answer at random; the converter (TensorFlow 2.21) nevertheless writes a min_runtime_version of 1.14 for
# it.
_OLDEST_TESTED = (2, 7, 0)
_OLDEST_WITH_DENSE_PER_CHANNEL = (2, 10, 0)


def read(path: Path, content: bytes) -> Structure:
    """Read a TFLite file.

    Raises:
        ArtifactError: The file is not a TFLite model.
        MissingExtraError: LiteRT is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise MissingExtraError("ai_edge_litert", "litert", "reading a TFLite file") from error
    try:
        model = unpack(content, schema)
        return _structure(model, schema)
    except Exception as error:  # the generated reader raises whatever a wrong offset leads to
        raise ArtifactError(f"{path.name} is not a TFLite model", received=repr(error)) from error


def unpack(content: bytes, schema: Any) -> Any:
    """Return a TFLite file's content as the schema's `ModelT`, an object whose fields can be changed.

    Raises:
        ArtifactError: It does not begin as a TFLite file does.
    """
    if content[4:8] != FILE_IDENTIFIER:
        raise ArtifactError(
            "not a TFLite model", received=f"the file identifier {content[4:8]!r}", expected=FILE_IDENTIFIER
        )
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def tensor_spec(model: Any, index: int, schema: Any) -> TensorSpec:
    """Return the description of one tensor of the main graph, which has one scale or none."""
    tensor = _tensor(schema, model, model.subgraphs[0].tensors[index])
    scale = tensor.scales[0] if tensor.scales else 0.0
    zero_point = tensor.zero_points[0] if tensor.zero_points else 0
    return TensorSpec(tensor.name, tensor.dtype, tensor.shape, scale, zero_point)


def metadata_of(model: Any) -> dict[str, str]:
    """Return the texts in the file's `metadata` list.

    Raises:
        ArtifactError: An entry of the list has no name or no text.
    """
    try:
        return {entry.name.decode(): _text(model.buffers[entry.buffer]) for entry in model.metadata or ()}
    except (AttributeError, IndexError, TypeError, UnicodeDecodeError) as error:
        raise ArtifactError("the metadata in the TFLite file is damaged", received=repr(error)) from error


def _text(buffer: Any) -> str:
    return bytes(buffer.data).rstrip(b"\0").decode(errors="replace")


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


def _structure(model: Any, schema: Any) -> Structure:
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


def _tensor(schema: Any, model: Any, tensor: Any) -> GraphTensor:
    axes = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    content = model.buffers[tensor.buffer].data
    quantization = tensor.quantization
    scales = None if quantization is None else quantization.scale
    zero_points = None if quantization is None else quantization.zeroPoint
    return GraphTensor(
        tensor.name.decode(),
        _name_of(schema.TensorType, tensor.type).lower(),
        () if axes is None else tuple(None if axis < 0 else int(axis) for axis in axes),
        0 if content is None else len(content),
        () if scales is None else tuple(np.asarray(scales).tolist()),
        () if zero_points is None else tuple(np.asarray(zero_points).tolist()),
    )


def _operator(schema: Any, model: Any, node: Any, tensors: Sequence[GraphTensor]) -> Operator:
    inputs = tuple(tensors[index].name for index in node.inputs if index >= 0)
    outputs = tuple(tensors[index].name for index in node.outputs)
    name = operator_name(model, node, schema)
    custom = bool(model.operatorCodes[node.opcodeIndex].customCode)
    return Operator(name, not custom and not name.startswith(_TF_SELECT_PREFIX), inputs, outputs)


def operator_name(model: Any, node: Any, schema: Any) -> str:
    """Return the name of an operator, such as "FULLY_CONNECTED", or what a custom operator calls itself."""
    code = model.operatorCodes[node.opcodeIndex]
    if code.customCode:
        return str(code.customCode.decode())
    return _name_of(schema.BuiltinOperator, max(code.builtinCode, code.deprecatedBuiltinCode))


def _name_of(enumeration: Any, value: int) -> str:
    return str(next(name for name, number in vars(enumeration).items() if number == value))
