"""The operators of TFLite models, whose tensors LiteRT keeps."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....runtime.tensors import TensorSpec, require_one, to_real
from .trace import LayerOutput, Reals, Trace, parents_of, signature_in

# These give what they take, but for the rounding: of the layers only the input's counts.
_RESCALING = ("QUANTIZE", "DEQUANTIZE")
_NUMBERS = (np.float32, np.float16, np.int8, np.uint8, np.int16)


def of_tflite(name: str, content: bytes, *, exact: bool = True) -> Trace:
    """Watch the operators of a TFLite model, run image by image.

    Args:
        name: The file's name.
        content: The file.
        exact: Run LiteRT's reference kernels; else its optimized ones, which are quicker.
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from ....runtime.artifact.tflite_file import metadata_of, operator_name, spec_of_detail, unpack

    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        if exact
        else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    inputs_and_outputs = (interpreter.get_input_details(), interpreter.get_output_details())
    taken, given = (require_one([spec_of_detail(each) for each in ends]) for ends in inputs_and_outputs)
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    graph = unpack(content, schema)
    inputs = set(graph.subgraphs[0].inputs)
    nodes = [
        (index, operator_name(graph, node, schema), node)
        for node in graph.subgraphs[0].operators or ()
        for index in node.outputs
    ]
    chosen = [
        details.get(index, {}).get("dtype") in _NUMBERS
        and (kind not in _RESCALING or not inputs.isdisjoint(node.inputs))
        for index, kind, node in nodes
    ]
    watched = [found for found, wanted in zip(nodes, chosen, strict=True) if wanted]
    specs = [spec_of_detail(details[index]) for index, _, _ in watched]
    layers = tuple(
        LayerOutput(spec.name, kind, spec.scale, _limits(spec), _weight_scales(node, details))
        for spec, (_, kind, node) in zip(specs, watched, strict=True)
    )
    parents = parents_of(
        (index, node.inputs, wanted) for (index, _, node), wanted in zip(nodes, chosen, strict=True)
    )
    input_index = interpreter.get_input_details()[0]["index"]

    def values(batch: NDArray[Any]) -> list[Reals]:
        found: list[list[Reals]] = [[] for _ in watched]
        for image in batch:
            interpreter.set_tensor(input_index, image[None])
            interpreter.invoke()
            for rows, spec, (index, *_) in zip(found, specs, watched, strict=True):
                rows.append(to_real(interpreter.get_tensor(index), spec))
        return [np.concatenate([np.atleast_1d(row) for row in rows]) for rows in found]

    return Trace(name, taken, given, signature_in(metadata_of(graph)), layers, parents, values)


def _limits(spec: TensorSpec) -> tuple[float, float] | None:
    if not spec.quantized:
        return None
    raw = np.iinfo(np.dtype(spec.dtype))
    low, high = (float((each - spec.zero_point) * spec.scale) for each in (raw.min, raw.max))
    return low, high


def _weight_scales(node: Any, details: dict[int, Any]) -> int:
    """Return the number of scales of an operator's weights: its second input, if that is quantized."""
    if node.inputs is None or len(node.inputs) < 2:  # noqa: PLR2004 - input and weights
        return 0
    return len(details.get(node.inputs[1], {}).get("quantization_parameters", {}).get("scales", ()))
