"""ONNX Runtime's own format, read by the flatbuffer schema that onnxruntime ships."""

from collections.abc import Iterator
from typing import Any

from ...runtime.tensors import TensorSpec
from .structure import GraphTensor, Operator, Structure

KIND = "an ORT model"
# The oldest release that loads each version of the format, see benchmarks/studies/systems/oldest_runtime.py.
_OLDEST_RELEASES = {6: "1.16"}
# The domains whose operators every full build has; a minimal build has those in the required-operators file.
_BUILTIN_DOMAINS = ("", "ai.onnx", "com.microsoft")


def read(_name: str, content: bytes) -> Structure:
    """Read an ORT file."""
    from onnxruntime.tools.ort_format_model.ort_model_processor import fbs

    if not fbs.InferenceSession.InferenceSession.InferenceSessionBufferHasIdentifier(content, 0):
        raise ValueError(f"the file identifier is {content[4:8]!r}")
    session = fbs.InferenceSession.InferenceSession.GetRootAs(content, 0)
    model = session.Model()
    graph = model.Graph()
    version = int(session.OrtVersion())
    opsets = {entry.Domain().decode(): entry.Version() for entry in _items(model, "OpsetImport")}
    values = {value.Name().decode(): value for value in _items(graph, "NodeArgs")}
    inputs = tuple(name.decode() for name in _items(graph, "Inputs"))
    outputs = tuple(name.decode() for name in _items(graph, "Outputs"))
    constants = tuple(_constant(tensor, fbs) for tensor in _items(graph, "Initializers"))
    stored = {tensor.name for tensor in constants}
    computed = tuple(
        GraphTensor(name, *_type(value, fbs))
        for name, value in values.items()
        if name and name not in stored and value.Type() is not None
    )
    return Structure(
        inputs=tuple(TensorSpec(name, *_type(values[name], fbs)) for name in inputs),
        outputs=tuple(TensorSpec(name, *_type(values[name], fbs)) for name in outputs),
        tensors=constants + computed,
        operators=tuple(_in_order([_operator(node) for node in _items(graph, "Nodes")])),
        versions={"ort_format": version, "opset": opsets[""], "ir": model.IrVersion()},
        oldest_runtime=f"ONNX Runtime {_OLDEST_RELEASES.get(version, f'for ORT format {version}')}",
        dynamic_axes=tuple(axis for name in (*inputs, *outputs) for axis in _dynamic_axes(values[name], fbs)),
        metadata=dict(
            sorted((entry.Key().decode(), entry.Value().decode()) for entry in _items(model, "MetadataProps"))
        ),
    )


def _items(table: Any, field: str) -> list[Any]:
    return [getattr(table, field)(index) for index in range(getattr(table, f"{field}Length")())]


def _in_order(operators: list[Operator]) -> Iterator[Operator]:
    """Yield each operator after those whose outputs it reads; the file has them in any order."""
    waiting = {name for operator in operators for name in operator.outputs}
    while operators:
        ready = [operator for operator in operators if not waiting & set(operator.inputs)]
        if not ready:
            raise ValueError("the operators depend on each other")
        yield from ready
        waiting -= {name for operator in ready for name in operator.outputs}
        operators = [operator for operator in operators if operator not in ready]


def _operator(node: Any) -> Operator:
    domain = (node.Domain() or b"").decode()
    name = node.OpType().decode()
    return Operator(
        f"{domain}.{name}" if domain else name,
        domain in _BUILTIN_DOMAINS,
        tuple(name.decode() for name in _items(node, "Inputs") if name),
        tuple(name.decode() for name in _items(node, "Outputs") if name),
    )


def _constant(tensor: Any, fbs: Any) -> GraphTensor:
    shape = tuple(tensor.Dims(axis) for axis in range(tensor.DimsLength()))
    return GraphTensor(tensor.Name().decode(), _dtype(tensor.DataType(), fbs), shape, tensor.RawDataLength())


def _tensor_type(value: Any, fbs: Any) -> Any:
    tensor_type = fbs.TensorTypeAndShape.TensorTypeAndShape()
    table = value.Type().Value()
    tensor_type.Init(table.Bytes, table.Pos)
    return tensor_type


def _type(value: Any, fbs: Any) -> tuple[str, tuple[int | None, ...]]:
    tensor_type = _tensor_type(value, fbs)
    axes = [] if tensor_type.Shape() is None else _items(tensor_type.Shape(), "Dim")
    shape = tuple(_size(axis.Value(), fbs) for axis in axes)
    return _dtype(tensor_type.ElemType(), fbs), shape


def _size(value: Any, fbs: Any) -> int | None:
    return (
        int(value.DimValue()) if value.DimType() == fbs.DimensionValueType.DimensionValueType.VALUE else None
    )


def _dynamic_axes(value: Any, fbs: Any) -> list[str]:
    shape = _tensor_type(value, fbs).Shape()
    values = [axis.Value() for axis in _items(shape, "Dim")]
    return [(axis.DimParam() or b"").decode() for axis in values if _size(axis, fbs) is None]


def _dtype(number: int, fbs: Any) -> str:
    types = vars(fbs.TensorDataType.TensorDataType)
    name = str(next(name for name, value in types.items() if value == number))
    return {"FLOAT": "float32", "DOUBLE": "float64"}.get(name, name.lower())
