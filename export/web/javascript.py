"""The JavaScript module around a model's WebAssembly, and its types."""

import json
from importlib import metadata
from importlib.resources import files
from typing import Any

from ..codegen.emitting import texts
from ..codegen.emitting.rendering import environment
from ..codegen.graph.ir import Graph, Tensor
from .facts import ARRAYS, facts_of

ENDINGS = (".mjs", ".d.ts")


def write_javascript(graph: Graph, name: str) -> dict[str, bytes]:
    """Return the module and its types, by the endings of their names.

    Args:
        graph: The model.
        name: What the files are called without `.int8` and the endings.
    """
    facts: dict[str, Any] = {
        "name": texts.comment(name),
        "file": f"{name}.int8",
        "version": metadata.version("edgemnist"),
        "facts": json.dumps(facts_of(graph), indent=2),
        "model": (files(__package__) / "page" / "model.js").read_text(encoding="utf-8").strip(),
        "array": _array(graph.inputs[0]),
        "size": graph.inputs[0].size,
        "input": _union(graph.inputs),
        "output": _union(graph.outputs),
        "one_input": " | ".join(dict.fromkeys(_array(tensor) for tensor in graph.inputs)),
    }
    return {
        ending: environment("web").get_template(f"module{ending}.jinja").render(**facts).encode()
        for ending in ENDINGS
    }


def _array(tensor: Tensor) -> str:
    return ARRAYS[tensor.dtype]


def _union(tensors: tuple[Tensor, ...]) -> str:
    names = [_array(tensor) for tensor in tensors]
    return names[0] if len(names) == 1 else f"readonly [{', '.join(names)}]"
