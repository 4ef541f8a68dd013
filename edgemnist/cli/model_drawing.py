"""A model drawn as text: what goes in, each operator with its weights and outputs, what comes out."""

from collections.abc import Iterator

from ..proof.inspect.structure import GraphTensor, Operator, Structure
from ..runtime.tensors import TensorSpec

_TEXT_LIMIT = 200


def draw(structure: Structure) -> Iterator[str]:
    """Yield the lines of the drawing, from the input down to the output."""
    tensors = {tensor.name: tensor for tensor in structure.tensors}
    for spec in structure.inputs:
        yield f"input {spec.name}: {_spec(spec)}"
    above = {spec.name for spec in structure.inputs}
    for operator in structure.operators:
        yield "  │"
        yield from _operator(operator, tensors, above)
        above = set(operator.outputs)
    yield "  │"
    for spec in structure.outputs:
        yield f"output {spec.name}: {_spec(spec)}"
    stored = [tensor for tensor in structure.tensors if tensor.size_bytes]
    yield ""
    yield f"stored: {sum(tensor.size_bytes for tensor in stored):,} bytes in {len(stored)} tensors"
    yield f"operators: {', '.join(structure.operator_names)}"


def metadata_lines(structure: Structure) -> Iterator[str]:
    """Yield a line for each text in the file, long ones cut."""
    width = max(map(len, structure.metadata), default=0)
    for key, text in structure.metadata.items():
        shown = text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}… ({len(text):,} characters)"
        yield f"{key.ljust(width)}  {shown if shown.isprintable() else repr(shown)}"


def _operator(operator: Operator, tensors: dict[str, GraphTensor], above: set[str]) -> Iterator[str]:
    found = [tensors[name] for name in operator.outputs if name in tensors]
    outputs = "; ".join(_tensor(tensor) for tensor in found)
    custom = "" if operator.builtin else " (not built in)"
    yield f"{operator.name}{custom}{' -> ' + outputs if outputs else ''}"
    for name in operator.inputs:
        tensor = tensors.get(name)
        if tensor is not None and tensor.size_bytes:
            yield f"  │   {_tensor(tensor)}, {tensor.size_bytes:,} bytes  {name}"
        elif name not in above:
            yield f"  │   from {name}"


def _spec(spec: TensorSpec) -> str:
    scales = (spec.scale,) if spec.quantized else ()
    return _tensor(GraphTensor(spec.name, spec.dtype, spec.shape, 0, scales, (spec.zero_point,)))


def _tensor(tensor: GraphTensor) -> str:
    axes = ", ".join("batch" if size is None else str(size) for size in tensor.shape)
    return f"{tensor.dtype} [{axes}]{_quantization(tensor)}"


def _quantization(tensor: GraphTensor) -> str:
    if not tensor.scales:
        return ""
    if len(tensor.scales) == 1:
        return f", scale {tensor.scales[0]:.6g}, zero point {tensor.zero_points[0]}"
    return f", {len(tensor.scales)} scales {min(tensor.scales):.3g} to {max(tensor.scales):.3g}"
