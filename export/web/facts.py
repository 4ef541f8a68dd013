"""What JavaScript has to know of a model: its signature and the names of its classes.

This is the one place that decides what a model's numbers mean in a browser.
"""

import json
from typing import Any

from ..codegen.ir import Graph, Tensor

_LABELS = "edgemnist.labels"
_GREY_AXES, _COLOUR_AXES, _COLOURS = 2, 3, 3
_TYPED = ("Uint8Array", "Int8Array", "Int16Array", "Int32Array", "Float32Array")
ARRAYS = dict(zip(("uint8", "int8", "int16", "int32", "float32"), _TYPED, strict=True))


def facts_of(graph: Graph) -> dict[str, Any]:
    """Return a model's signature and labels, as JSON has them.

    An input is of kind "image", whole pixels, or "features"; an output of kind "classes" or "values".
    """
    labels = labels_of(graph)
    return {
        "labels": labels,
        "signature": {
            "inputs": [{"kind": _input_kind(tensor), **_end(tensor)} for tensor in graph.inputs],
            "outputs": [
                {"kind": "classes" if labels else "values", **_end(tensor)} for tensor in graph.outputs
            ],
        },
    }


def preparation_of(graph: Graph) -> str | None:
    """Return how a picture becomes the model's input: "ink", centred by mass, or "resize"; None: no image."""
    if len(graph.inputs) != 1 or _input_kind(graph.inputs[0]) != "image":
        return None
    return "ink" if len(_image_shape(graph.inputs[0])) == _GREY_AXES else "resize"


def labels_of(graph: Graph) -> list[str] | None:
    """Return the class names in the file; numbers for a classifier without; None for another model."""
    if len(graph.outputs) != 1 or not graph.nodes:
        return None
    size = graph.outputs[0].size
    try:
        labels = json.loads(graph.metadata.get(_LABELS, "[]"))
    except ValueError:
        labels = []
    if isinstance(labels, list) and len(labels) == size:
        return [str(label) for label in labels]
    moving = {"QUANTIZE", "DEQUANTIZE", "RESHAPE"}
    operators = [node.operator for node in graph.nodes if node.operator not in moving]
    return [str(number) for number in range(size)] if operators[-1:] == ["SOFTMAX"] else None


def _end(tensor: Tensor) -> dict[str, Any]:
    quantized = len(tensor.scales) == 1 and tensor.dtype != "float32"
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "scale": float(tensor.scale) if quantized else 0,
        "zeroPoint": tensor.zero_point if quantized else 0,
    }


def _image_shape(tensor: Tensor) -> tuple[int, ...]:
    shape = tensor.shape[1:]
    return shape[:-1] if len(shape) == _COLOUR_AXES and shape[-1] == 1 else shape


def _input_kind(tensor: Tensor) -> str:
    shape = _image_shape(tensor)
    colour = len(shape) == _COLOUR_AXES and shape[-1] == _COLOURS and tensor.dtype in {"uint8", "int8"}
    grey = len(shape) == _GREY_AXES and tensor.dtype == "uint8"
    return "image" if colour or grey else "features"
