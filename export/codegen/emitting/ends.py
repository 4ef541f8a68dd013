"""A model's inputs and outputs as the templates write them: types, sizes, scales, labels, known answers."""

import json
from typing import Any

import numpy as np

from ..graph.ir import C_TYPES, Graph, Tensor
from ..lowering.common import limits_of
from ..proving.reference import Golden
from . import texts

_AXES = {2: ("HEIGHT", "WIDTH"), 3: ("HEIGHT", "WIDTH", "CHANNELS")}
_LABELS = "edgemnist.labels"


def is_batched(graph: Graph) -> bool:
    """Whether the first axis of all inputs and outputs is a batch, of which the C computes one at a time."""
    return all(tensor.shape[:1] == (1,) for tensor in (*graph.inputs, *graph.outputs))


def describe_ends(tensors: tuple[Tensor, ...], area: str) -> list[dict[str, Any]]:
    """Return what the templates need of the inputs or of the outputs, which are the areas."""
    several = len(tensors) > 1
    return [
        {
            "area": area,
            "name": f"{area}_{number}" if several else area,
            "macro": f"{area.upper()}_{number}" if several else area.upper(),
            "suffix": f"_{number}" if several else "",
            "type": C_TYPES[tensor.dtype],
            "shape": tensor.shape,
            "size": tensor.size,
            "size_bytes": tensor.size_bytes,
            "scale": texts.number(float(tensor.scale))
            if len(tensor.scales) == 1 and tensor.dtype != "float32"
            else None,
            "zero_point": tensor.zero_point if len(tensor.scales) == 1 else 0,
            "least": limits_of(tensor.dtype)[0] if tensor.dtype in {"int8", "uint8", "int16"} else 0,
            "largest": limits_of(tensor.dtype)[1] if tensor.dtype in {"int8", "uint8", "int16"} else 0,
            "comment": f"{area}{f' {number}' if several else ''}: {texts.comment(tensor.name)},"
            f" {tensor.dtype} {' x '.join(map(str, tensor.shape))}",
        }
        for number, tensor in enumerate(tensors)
    ]


def labels_of(graph: Graph) -> list[str]:
    """Return the names of the classes that the file carries, if they are as many as its outputs."""
    try:
        labels = json.loads(graph.metadata.get(_LABELS, "[]"))
    except ValueError:
        return []
    fits = len(graph.outputs) == 1 and isinstance(labels, list) and len(labels) == graph.outputs[0].size
    return [str(label) for label in labels] if fits else []


def classifier_of(graph: Graph, labels: list[str]) -> dict[str, Any] | None:
    """Return what the functions on top of an image classifier need; None for another model."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or not graph.nodes:
        return None
    image, output = graph.inputs[0], graph.outputs[0]
    names = [node.operator for node in graph.nodes if node.operator not in {"QUANTIZE", "RESHAPE"}]
    shape = image.shape[1:]
    if (
        image.dtype != "uint8"
        or image.shape[0] != 1
        or len(shape) not in _AXES
        or output.dtype not in {"int8", "uint8"}
        or output.size != output.shape[-1]
        or names[-1:] != ["SOFTMAX"]
        or (labels and len(labels) != output.size)
    ):
        return None
    return {
        "axes": list(zip(_AXES[len(shape)], shape, strict=True)),
        "pixels": image.size,
        "classes": output.size,
        "output_type": C_TYPES[output.dtype],
    }


def golden_facts(graph: Graph, golden: Golden) -> dict[str, Any]:
    """Return what the self-test's template needs."""
    ends = [*describe_ends(graph.inputs, "input"), *describe_ends(graph.outputs, "output")]
    for end, arrays in zip(ends, (*golden.inputs, *golden.outputs), strict=True):
        flat = arrays.reshape(len(arrays), -1)
        is_float = end["type"] == "float"
        end["rows"] = [_float_rows(row) if is_float else texts.rows(row.tolist(), "        ") for row in flat]
        found, expected = f"found_{end['name']}[i]", f"{end['name']}s[number][i]"
        end["unequal"] = (
            f"{found} < {expected} || {found} > {expected}" if is_float else f"{found} != {expected}"
        )
    names = [f"{end['name']}s[number]" if end["area"] == "input" else f"found_{end['name']}" for end in ends]
    served = [f"{'given' if end['area'] == 'input' else 'found'}_{end['name']}" for end in ends]
    facts = {"arguments": ", ".join(names), "served": ", ".join(served)}
    return {"count": len(golden.inputs[0]), "ends": ends, **facts}


def _float_rows(values: Any) -> str:
    return "\n".join(f"        {texts.number(float(value))}," for value in np.asarray(values, np.float32))
