"""TFLite files, read by the flatbuffer schema that LiteRT ships."""

from pathlib import Path
from typing import Any

from ..errors import ArtifactError, MissingExtraError
from ..tensors import TensorSpec
from . import Operator, Structure

_MIN_RUNTIME = "min_runtime_version"
_TF_SELECT_PREFIX = "Flex"


def read(path: Path) -> Structure:
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
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
        graph = model.subgraphs[0]
        tensors = tuple(_tensor(schema, tensor) for tensor in graph.tensors)
        metadata = {
            entry.name.decode(): bytes(model.buffers[entry.buffer].data)
            .rstrip(b"\0")
            .decode(errors="replace")
            for entry in model.metadata or ()
        }
    except Exception as error:  # the generated reader raises whatever a wrong offset leads to
        raise ArtifactError(f"{path.name} is not a TFLite model", received=repr(error)) from error
    return Structure(
        inputs=tuple(tensors[index] for index in graph.inputs),
        outputs=tuple(tensors[index] for index in graph.outputs),
        tensors=tensors,
        operators=tuple(_operator(schema, model.operatorCodes[node.opcodeIndex]) for node in graph.operators),
        versions={"schema": model.version},
        oldest_runtime=f"TensorFlow Lite {metadata.get(_MIN_RUNTIME, 'unknown')}",
        metadata=metadata,
    )


def _tensor(schema: Any, tensor: Any) -> TensorSpec:
    axes = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    quantization = tensor.quantization
    scales: Any = () if quantization is None or quantization.scale is None else quantization.scale
    zero_points: Any = (
        () if quantization is None or quantization.zeroPoint is None else quantization.zeroPoint
    )
    return TensorSpec(
        tensor.name.decode(),
        _name_of(schema.TensorType, tensor.type).lower(),
        () if axes is None else tuple(None if axis < 0 else int(axis) for axis in axes),
        float(scales[0]) if len(scales) else 0.0,
        int(zero_points[0]) if len(zero_points) else 0,
    )


def _operator(schema: Any, code: Any) -> Operator:
    if code.customCode:
        name = code.customCode.decode()
        return Operator(name, builtin=False)
    name = _name_of(schema.BuiltinOperator, max(code.builtinCode, code.deprecatedBuiltinCode))
    return Operator(name, builtin=not name.startswith(_TF_SELECT_PREFIX))


def _name_of(enumeration: Any, value: int) -> str:
    names: dict[int, str] = {
        number: name for name, number in vars(enumeration).items() if isinstance(number, int)
    }
    return names[value]
