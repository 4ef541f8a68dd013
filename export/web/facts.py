"""What JavaScript has to know of a model: its signature and the names of its classes.

This is the one place that decides what a model's numbers mean in a browser.
"""

from typing import Any

from ...runtime.artifact.metadata import read_metadata
from ...runtime.assumed_signature import assumed_signature
from ...runtime.errors import ArtifactError
from ...runtime.signature import ModelSignature
from ..codegen.artifact import spec_of
from ..codegen.graph.ir import Graph, Tensor

_GREY_AXES, _COLOUR_AXES, _COLOURS = 2, 3, (1, 3)
_SHARES = {"SOFTMAX", "LOGISTIC"}
_MOVING = {"QUANTIZE", "DEQUANTIZE", "RESHAPE"}
_TYPED = ("Uint8Array", "Int8Array", "Int16Array", "Int32Array", "Float32Array")
ARRAYS = dict(zip(("uint8", "int8", "int16", "int32", "float32"), _TYPED, strict=True))


def facts_of(graph: Graph) -> dict[str, Any]:
    """Return a model's signature and labels, as JSON has them.

    An input is of kind "image", whole pixels, or "features"; an output of kind "classes" or "values". The
    scale and offset by which raw features become the model's real input are there where they change them.
    """
    signature = signature_of(graph)
    labels = labels_of(graph)
    inputs = [{"kind": "features", **_end(tensor)} for tensor in graph.inputs]
    if signature is not None and is_image(graph):
        inputs[0]["kind"] = "image"
    elif signature is not None and signature.input.is_scaled:
        inputs[0]["raw"] = {"scale": signature.input.scale, "offset": signature.input.offset}
    kind = "classes" if labels else "values"
    return {
        "labels": labels,
        "signature": {
            "inputs": inputs,
            "outputs": [{"kind": kind, **_end(tensor)} for tensor in graph.outputs],
        },
    }


def signature_of(graph: Graph) -> ModelSignature | None:
    """Return the signature in the file, or what its tensors look like; None for several inputs or outputs."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return None
    taken, given = (spec_of(tensor, batched=True) for tensor in (*graph.inputs, *graph.outputs))
    try:
        metadata = read_metadata(dict(graph.metadata))
        known = metadata.signature if metadata else None
        assumed = assumed_signature("the model", taken, given)
    except ArtifactError:
        return None
    if known is None and metadata is not None and len(metadata.labels) == assumed.output.classes:
        return assumed.with_labels(metadata.labels)
    return known or assumed


def is_image(graph: Graph) -> bool:
    """Return whether the input is an image that a page can show: grey or in three colours, of 8 bits."""
    signature = signature_of(graph)
    if signature is None or signature.input.kind != "image" or graph.inputs[0].dtype not in {"uint8", "int8"}:
        return False
    shape = signature.input.shape
    return len(shape) == _GREY_AXES or (len(shape) == _COLOUR_AXES and shape[-1] in _COLOURS)


def preparation_of(graph: Graph) -> str | None:
    """Return how a picture becomes the model's input: "ink", centred by mass, or "resize"; None: no image."""
    signature = signature_of(graph)
    if signature is None or not is_image(graph):
        return None
    return "ink" if signature.input.ink else "resize"


def labels_of(graph: Graph) -> list[str] | None:
    """Return the class names; numbers for a classifier without; None for another model."""
    signature = signature_of(graph)
    if signature is None or signature.output.kind != "classes":
        return None
    computing = [node.operator for node in graph.nodes if node.operator not in _MOVING]
    if read_metadata(dict(graph.metadata)) is None and computing[-1:] and computing[-1] not in _SHARES:
        return None  # of a file without a signature, whose last layer does not give shares
    return list(signature.output.labels)


def _end(tensor: Tensor) -> dict[str, Any]:
    quantized = len(tensor.scales) == 1 and tensor.dtype != "float32"
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "scale": float(tensor.scale) if quantized else 0,
        "zeroPoint": tensor.zero_point if quantized else 0,
    }
