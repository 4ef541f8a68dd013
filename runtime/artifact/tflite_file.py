"""TFLite files, unpacked by the flatbuffer schema that LiteRT ships.

Every function is passed that schema, `ai_edge_litert.schema_py_generated`: it takes 30 ms to import, and
LiteRT may be missing.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ArtifactError
from ..tensors import TensorSpec

FILE_IDENTIFIER = b"TFL3"


def require_tflite(content: bytes) -> None:
    """Raise ArtifactError for a content that does not begin as a TFLite file does."""
    if content[4:8] != FILE_IDENTIFIER:
        raise ArtifactError(
            "not a TFLite model",
            received=f"{len(content):,} bytes with the file identifier {content[4:8]!r}",
            expected=FILE_IDENTIFIER,
        )


def unpack(content: bytes, schema: Any) -> Any:
    """Return a TFLite file's content as the schema's `ModelT`, an object whose fields can be changed."""
    require_tflite(content)
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def tensor_spec(model: Any, index: int, schema: Any) -> TensorSpec:
    """Return the description of one tensor of the main graph, which has one scale or none."""
    tensor = model.subgraphs[0].tensors[index]
    scales, zero_points = quantization_of(tensor)
    return TensorSpec(
        tensor.name.decode(),
        dtype_of(tensor, schema),
        shape_of(tensor),
        scales[0] if scales else 0.0,
        zero_points[0] if zero_points else 0,
    )


def dtype_of(tensor: Any, schema: Any) -> str:
    """Return the numpy name of a tensor's element type."""
    return _name_of(schema.TensorType, tensor.type).lower()


def shape_of(tensor: Any) -> tuple[int | None, ...]:
    """Return a tensor's axes; None is any size."""
    axes = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    return () if axes is None else tuple(None if axis < 0 else int(axis) for axis in axes)


def quantization_of(tensor: Any) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return a tensor's scales and zero points: none, one, or one for each channel."""
    quantization = tensor.quantization
    scales, zero_points = (
        () if values is None else tuple(np.asarray(values).tolist())
        for values in (quantization and quantization.scale, quantization and quantization.zeroPoint)
    )
    return scales, zero_points


def operator_name(model: Any, node: Any, schema: Any) -> str:
    """Return the name of an operator, such as "FULLY_CONNECTED", or what a custom operator calls itself."""
    code = model.operatorCodes[node.opcodeIndex]
    if code.customCode:
        return str(code.customCode.decode())
    return _name_of(schema.BuiltinOperator, max(code.builtinCode, code.deprecatedBuiltinCode))


def metadata_of(model: Any) -> dict[str, str]:
    """Return the texts in the file's `metadata` list; ArtifactError if an entry has no name or no text."""
    try:
        texts = {entry.name: bytes(model.buffers[entry.buffer].data) for entry in model.metadata or ()}
        return {name.decode(): text.rstrip(b"\0").decode(errors="replace") for name, text in texts.items()}
    except (AttributeError, IndexError, TypeError, UnicodeDecodeError) as error:
        raise ArtifactError("the metadata in the TFLite file is damaged", received=repr(error)) from error


def _name_of(enumeration: Any, value: int) -> str:
    return str(next(name for name, number in vars(enumeration).items() if number == value))


def spec_of_detail(detail: Mapping[str, Any]) -> TensorSpec:
    """Return the description of a tensor of which LiteRT's interpreter gives the details."""
    scale, zero_point = detail["quantization"]
    axes = tuple(None if axis < 0 else int(axis) for axis in detail["shape_signature"])
    return TensorSpec(detail["name"], np.dtype(detail["dtype"]).name, axes, float(scale), int(zero_point))
