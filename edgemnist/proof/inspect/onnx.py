"""ONNX files, read by the onnx package."""

from typing import Any

from ...runtime.errors import MissingExtraError
from ...runtime.tensors import TensorSpec
from .structure import GraphTensor, Operator, Structure

KIND = "an ONNX model"
# The newest opset and IR version that each ONNX Runtime release loads, from its document "Compatibility"
# (onnxruntime.ai, "ONNX versions and Windows OS compatibility"), oldest first. The releases from 1.6 to
# 1.16 ran whole test sets, see benchmarks/studies/systems/oldest_runtime.py.
RELEASES = (
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
# 1.6 has no DequantizeLinear for the int32 biases of a quantized model.
_QUANTIZED = "DequantizeLinear"
_OLDEST_QUANTIZED = "1.7"
_STANDARD_DOMAINS = ("", "ai.onnx")


def read(_name: str, content: bytes) -> Structure:
    """Read an ONNX file; MissingExtraError if the onnx package is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "verify", "reading an ONNX file") from error
    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model)
    return _structure(model, onnx)


def value_spec(value: Any, onnx: Any) -> TensorSpec:
    """Return the description of a graph's input or output."""
    tensor = value.type.tensor_type
    axes = tuple(axis.dim_value or None for axis in tensor.shape.dim)
    return TensorSpec(value.name, _dtype(onnx, tensor.elem_type), axes)


def _structure(model: Any, onnx: Any) -> Structure:
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    quantization = _quantization(graph, constants)
    values = (*graph.input, *graph.output)
    computed = [value_spec(value, onnx) for value in (*graph.input, *graph.value_info, *graph.output)]
    operators = tuple(
        Operator(node.op_type, node.domain in _STANDARD_DOMAINS, tuple(node.input), tuple(node.output))
        for node in graph.node
    )
    return Structure(
        inputs=tuple(value_spec(value, onnx) for value in graph.input),
        outputs=tuple(value_spec(value, onnx) for value in graph.output),
        tensors=(
            *(
                GraphTensor(name, array.dtype.name, array.shape, array.nbytes, *quantization.get(name, ()))
                for name, array in constants.items()
            ),
            *(
                GraphTensor(spec.name, spec.dtype, spec.shape, 0, *quantization.get(spec.name, ()))
                for spec in computed
            ),
        ),
        operators=operators,
        versions={"opset": opsets[""], "ir": model.ir_version},
        oldest_runtime=_oldest_runtime(opsets[""], model.ir_version, operators),
        dynamic_axes=tuple(
            axis.dim_param
            for value in values
            for axis in value.type.tensor_type.shape.dim
            if not axis.dim_value
        ),
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


_Scales = tuple[tuple[float, ...], tuple[int, ...]]


def _quantization(graph: Any, constants: dict[str, Any]) -> dict[str, _Scales]:
    """Return the scales and zero points of each tensor that a DequantizeLinear reads."""
    found: dict[str, _Scales] = {}
    for node in graph.node:
        if node.op_type == _QUANTIZED and set(node.input[1:]) <= constants.keys():
            scales, *zero_points = (tuple(constants[name].ravel().tolist()) for name in node.input[1:])
            found[node.input[0]] = (scales, zero_points[0] if zero_points else (0,) * len(scales))
    return found


def _dtype(onnx: Any, number: int) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(number).name)


def _oldest_runtime(opset: int, ir_version: int, operators: tuple[Operator, ...]) -> str:
    quantized = any(operator.name == _QUANTIZED for operator in operators)
    for release, newest_opset, newest_ir in RELEASES:
        if opset <= newest_opset and ir_version <= newest_ir:
            return f"ONNX Runtime {_OLDEST_QUANTIZED if quantized and release == RELEASES[0][0] else release}"
    return f"ONNX Runtime newer than {RELEASES[-1][0]}"
