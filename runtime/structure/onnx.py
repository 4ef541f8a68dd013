"""ONNX files, read by the onnx package."""

from pathlib import Path
from typing import Any

from ..errors import ArtifactError, MissingExtraError
from ..tensors import TensorSpec
from . import Operator, Structure

# The newest opset and IR version that each ONNX Runtime release loads, from its document "Compatibility"
# (onnxruntime.ai, "ONNX versions and Windows OS compatibility"), oldest first.
_RELEASES = (
    ("1.6", 13, 7),
    ("1.8", 14, 7),
    ("1.9", 15, 8),
    ("1.11", 16, 8),
    ("1.12", 17, 8),
    ("1.14", 18, 8),
    ("1.15", 19, 9),
    ("1.17", 20, 9),
    ("1.18", 21, 10),
)


def read(path: Path) -> Structure:
    """Read an ONNX file.

    Raises:
        ArtifactError: The file is not an ONNX model.
        MissingExtraError: The onnx package is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "export", "reading an ONNX file") from error
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's and onnx's exceptions share no base below Exception
        raise ArtifactError(f"{path.name} is not an ONNX model", received=str(error).strip()[:200]) from error
    graph = model.graph
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    inputs = tuple(_value(onnx, value) for value in graph.input)
    outputs = tuple(_value(onnx, value) for value in graph.output)
    constants = tuple(
        TensorSpec(tensor.name, _dtype(onnx, tensor.data_type), tuple(tensor.dims))
        for tensor in graph.initializer
    )
    return Structure(
        inputs=inputs,
        outputs=outputs,
        tensors=inputs + constants + outputs,
        operators=tuple(
            Operator(node.op_type, builtin=node.domain in ("", "ai.onnx")) for node in graph.node
        ),
        versions={"opset": opsets[""], "ir": model.ir_version},
        oldest_runtime=_oldest_runtime(opsets[""], model.ir_version),
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


def _value(onnx: Any, value: Any) -> TensorSpec:
    tensor = value.type.tensor_type
    axes = tuple(axis.dim_value or None for axis in tensor.shape.dim)
    return TensorSpec(value.name, _dtype(onnx, tensor.elem_type), axes)


def _dtype(onnx: Any, number: int) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(number).name)


def _oldest_runtime(opset: int, ir_version: int) -> str:
    for release, newest_opset, newest_ir in _RELEASES:
        if opset <= newest_opset and ir_version <= newest_ir:
            return f"ONNX Runtime {release}"
    return f"ONNX Runtime newer than {_RELEASES[-1][0]}"
