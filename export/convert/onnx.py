"""The ONNX formats, by tf2onnx, with the contract's names and metadata in the file.

`tf2onnx.convert.from_keras` raises KeyError on a Keras 3 Sequential (tf2onnx 1.17, tensorflow-onnx #2348),
so the model goes through a `tf.function`.
"""

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import onnx
import tf2onnx
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from ...proof.format_spec import BATCH_NAME
from ...proof.inspect.onnx import value_spec
from ...runtime.errors import ConversionError
from ...runtime.process import quiet
from ...runtime.signature import ModelSignature
from ..backend import tf
from .options import Converted, ExportOptions
from .source import Source

_STANDARD_DOMAIN = ""


def float32(source: Source, options: ExportOptions) -> Converted:
    """Convert the model as it is."""
    form = source.raw_form()
    proto = from_keras(form.model, options.opset)
    return Converted(finish(proto, source, "float32", form.signature, options.opset))


def float16(source: Source, options: ExportOptions) -> Converted:
    """Convert weights and arithmetic to float16, half the size; probabilities stay float32.

    Where a CPU has no float16 kernels, ONNX Runtime computes these nodes in float32.
    """
    form = source.raw_form()
    proto = from_keras(form.model, options.opset)
    with quiet():
        proto = convert_float_to_float16(proto, keep_io_types=True)
    OnnxModel(proto).topological_sort()  # a cast of the input comes last (onnxruntime 1.27)
    return Converted(finish(proto, source, "float16", form.signature, options.opset))


def from_keras(model: Any, opset: int) -> Any:
    """Convert a Keras model of the contract's names.

    Raises:
        ConversionError: The converter failed.
    """
    item = model.inputs[0]
    signature = [tf.TensorSpec(item.shape, item.dtype, name=item.name)]
    try:
        with quiet():
            proto, _ = tf2onnx.convert.from_function(
                tf.function(model, signature, autograph=False), signature, opset=opset
            )
    except Exception as error:  # tf2onnx raises errors of all types
        raise ConversionError("the ONNX converter failed", received=error) from error
    _require_known(proto)
    if item.shape[0] is None:
        _name_batch(proto.graph)
    return proto


def _require_known(proto: Any) -> None:
    """Raise ConversionError for operators that ONNX lacks: tf2onnx logs those that it cannot convert."""
    unknown = [
        f"Tensorflow op [{node.name}: {node.op_type}]"
        for node in proto.graph.node
        if node.domain == _STANDARD_DOMAIN and not onnx.defs.has(node.op_type)
    ]
    if unknown:
        raise ConversionError("the ONNX converter failed", received=NotImplementedError(", ".join(unknown)))


def finish(proto: Any, source: Source, precision: str, signature: ModelSignature, opset: int) -> bytes:
    """Return the file of a converted model, with the contract as its metadata.

    Raises:
        ConversionError: The model is invalid, or of another opset than asked for.
    """
    graph = proto.graph
    graph.name, graph.doc_string = source.name, ""  # tf2onnx writes the number of a function into the latter
    if source.batch is None:
        _name_batch(graph)
    _sort(graph)
    _rename(graph)
    _drop_unused_domains(proto)
    found = {entry.domain: entry.version for entry in proto.opset_import}
    if found.get(_STANDARD_DOMAIN) != opset:
        raise ConversionError("the ONNX converter changed the opset", received=found, expected=opset)
    ends = value_spec(graph.input[0], onnx), value_spec(graph.output[0], onnx)
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, source.metadata(precision, *ends, signature).to_metadata())
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:  # the checker's exceptions share no base below Exception
        raise ConversionError("the ONNX converter made an invalid model", received=error) from error
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _name_batch(graph: Any) -> None:
    """Call the batch axis of inputs and outputs by its name; tf2onnx numbers it, as in `unk__20`."""
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH_NAME
    del graph.value_info[:]


def _sort(graph: Any) -> None:
    """Put nodes after those whose outputs they use, also within a loop, which quantizers do not look into."""
    maker = {name: number for number, node in enumerate(graph.node) for name in node.output}
    needs = {
        number: {maker[name] for name in _names_used(node) if name in maker} - {number}
        for number, node in enumerate(graph.node)
    }
    if any(need > number for number, needed in needs.items() for need in needed):
        nodes = [graph.node[number] for number in TopologicalSorter(needs).static_order()]
        del graph.node[:]
        graph.node.extend(nodes)


def _names_used(node: Any) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _names_used(inner)


def _rename(graph: Any) -> None:
    """Name nodes and tensors by their place in the graph; converters number them through a process."""
    _rename_within(graph, {value.name: value.name for value in (*graph.input, *graph.output)}, "")


def _rename_within(graph: Any, names: dict[str, str], prefix: str) -> None:
    """Rename what a graph contains; `names` has what is known around it, and gets what is new."""
    for number, value in enumerate(graph.input):
        value.name = names.setdefault(value.name, f"{prefix}input_{number}")
    for number, node in enumerate(graph.node):
        node.name = f"{prefix}{node.op_type}_{number}"
        for position, name in enumerate(node.input):
            node.input[position] = names.setdefault(name, f"{node.name}.{position}") if name else ""
        for attribute in node.attribute:
            if attribute.HasField("g"):  # the body of a loop sees the names around it
                _rename_within(attribute.g, names, f"{node.name}/")
        for position, name in enumerate(node.output):
            node.output[position] = names.setdefault(name, f"{node.name}:{position}") if name else ""
    for value in graph.output:
        value.name = names[value.name]
    for tensor in graph.initializer:
        tensor.name = names[tensor.name]
    ordered = sorted(graph.initializer, key=lambda tensor: list(names.values()).index(tensor.name))
    del graph.initializer[:]
    graph.initializer.extend(ordered)
    del graph.value_info[:]


def _drop_unused_domains(proto: Any) -> None:
    """Drop the operator sets that no node uses; an old runtime refuses a file that names unknown ones."""
    used = {node.domain for node in proto.graph.node}
    kept = [entry for entry in proto.opset_import if entry.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
