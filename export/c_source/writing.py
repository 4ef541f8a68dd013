"""The files of a model in C."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from ...runtime.embedded import Embedded
from ...runtime.engines.c import ABI_VERSION
from ...runtime.errors import ConversionError
from ...runtime.tensors import TensorSpec
from . import operators, texts
from .golden import Golden, reference
from .graph import Graph, read_graph
from .program import Program, Step

_TEMPLATES = {
    ".c": "model.c.jinja",
    ".h": "model.h.jinja",
    "_selftest.c": "selftest.c.jinja",
    "_host.c": "host.c.jinja",
}
_GOLDEN_IMAGES = 10
_AXES = {2: ("HEIGHT", "WIDTH"), 3: ("HEIGHT", "WIDTH", "CHANNELS")}
_FNV_BASIS, _FNV_PRIME = 2166136261, 16777619
_SOFTMAX = "SOFTMAX"


def write_files(content: bytes, images: NDArray[np.uint8]) -> tuple[bytes, dict[str, bytes]]:
    """Return the C file of a full-integer TFLite model, and its companions by what their names end with.

    Args:
        content: The TFLite file.
        images: `(N, *image shape)` uint8, to choose the self-test's from.

    Raises:
        ArtifactError: It is no TFLite file that edgemnist made.
        ConversionError: It holds an operator for which there is no C, or does not end in a softmax.
    """
    graph = read_graph(content)
    program = to_program(graph)
    file = f"{graph.contract.model}.int8"
    if texts.string(file) != f'"{file}"':
        raise ConversionError("the model's name cannot be a C file's", received=repr(file))
    facts = _facts(graph, program, content) | {"file": file}
    golden = _choose(reference(content, graph, images))
    environment = _environment()
    texts_of = {
        ending: environment.get_template(template).render(**facts, golden=golden).encode("ascii")
        for ending, template in _TEMPLATES.items()
    }
    return texts_of.pop(".c"), texts_of


def to_program(graph: Graph) -> Program:
    """Return the tables and steps of a graph.

    Raises:
        ConversionError: It holds an operator for which there is no C, or does not end in a softmax.
    """
    program = Program()
    program.new_value(graph.input, "image")
    for node in graph.nodes:
        operators.add(node, program)
    *layers, last = program.steps
    softmaxes = [step for step in program.steps if step.operator == _SOFTMAX]
    if not layers or softmaxes != [last] or program.value(graph.output).name != last.gives.name:
        raise ConversionError(
            "there is no C for a model that is not layers and one SOFTMAX at the end",
            received=", ".join(node.name for node in graph.nodes),
        )
    return program


def checksum(program: Program) -> int:
    """Return the FNV-1a hash of all tables, 32 bits, taken over entries in place of bytes."""
    hashed = _FNV_BASIS
    for table in program.tables:
        for value in table.values.ravel().tolist():
            hashed = (hashed ^ (value & 0xFFFFFFFF)) * _FNV_PRIME & 0xFFFFFFFF
    return hashed


def _facts(graph: Graph, program: Program, content: bytes) -> dict[str, Any]:
    contract = graph.contract
    prefix = texts.identifier(contract.model)
    layers = program.steps[:-1]
    dense = [step for step in layers if step.operator == "FULLY_CONNECTED"]
    logits = program.steps[-1].takes
    shape = graph.input.shape
    names = _AXES.get(len(shape), ())
    takes, gives = _as_bytes(contract.input), _as_bytes(contract.output)
    embedded = replace(contract, input=takes, output=gives)
    return {
        "prefix": prefix,
        "macro": prefix.upper(),
        "title": f"{texts.comment(contract.model)}.int8: a classifier in integers, C99, written by edgemnist",
        "provenance": _provenance(contract, content),
        "contract": "\n".join(f" * {line}" for line in _contract_lines(embedded)),
        "contract_bytes": np.frombuffer("\n".join(_contract_lines(embedded)).encode() + b"\0", np.uint8),
        "abi_version": ABI_VERSION,
        "tables": program.tables,
        "steps": layers,
        "softmax": program.steps[-1],
        "logits": logits,
        "values": [step.gives for step in layers],
        "dense": dense,
        "largest_input": max(step.takes.size for step in dense),
        "largest_output": max(step.gives.size for step in dense),
        "labels": [texts.string(label) for label in contract.labels],
        "axes": list(zip(names, shape, strict=False)),
        "pixels": graph.input.size,
        "quantization": [
            ("PIXEL", texts.number(takes.scale), takes.zero_point),
            ("LOGIT", texts.number(float(logits.scale)), logits.zero - 128),
            ("PROBABILITY", texts.number(gives.scale), gives.zero_point),
        ],
        "checksum": f"0x{checksum(program):08X}u",
    }


def _provenance(contract: Embedded, content: bytes) -> str:
    lines = (
        f"Made of {contract.model}.int8.tflite, sha256 {hashlib.sha256(content).hexdigest()},",
        f"which was made of {contract.model}.keras, sha256 {contract.source_sha256}.",
        "Do not edit: export the model again.",
    )
    return "\n".join(f" * {texts.comment(line)}" for line in lines)


def _contract_lines(contract: Embedded) -> list[str]:
    """Return the contract as lines that `runtime.structure.c` and `runtime.engines.c` read."""
    return [f"{key}: {_json_in_comment(json.loads(text))}" for key, text in contract.to_metadata().items()]


def _json_in_comment(value: Any) -> str:
    """Return JSON in ASCII in which no comment ends or begins."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).replace("/", "\\u002f")


def _as_bytes(spec: TensorSpec) -> TensorSpec:
    """Return an input or output of int8 as what it is in C: uint8."""
    if spec.dtype == "int8":
        return replace(spec, dtype="uint8", zero_point=spec.zero_point + 128)
    return spec


def _choose(golden: Golden) -> Golden:
    """Return the first image of each class, up to so many as fit on a small board."""
    classes = golden.probabilities.argmax(axis=1)
    _, first = np.unique(classes, return_index=True)
    chosen = np.sort(first)[:_GOLDEN_IMAGES]
    return Golden(golden.images[chosen], golden.logits[chosen], golden.probabilities[chosen])


def _signature(step: Step) -> str:
    """Return what `runtime.structure.c` reads of a step."""
    takes = ", ".join((step.takes.name, *step.tables))
    gives = f"uint8 {step.gives.name}[{step.gives.size}]"
    return f"{step.operator}({takes}) -> {gives}, scale {step.gives.scale:.9g}, zero point {step.gives.zero}"


def _limits(step: Step) -> str:
    return f"{step.gives.zero}, {step.facts['low']}, {step.facts['high']}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__ or "", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - the result is C
    )
    environment.filters["comment"] = texts.comment
    environment.filters["rows"] = lambda values: texts.rows(values.ravel().tolist())
    environment.filters["limits"] = lambda step: (
        f"{step.gives.zero}, {step.facts['low']}, {step.facts['high']}"
    )
    environment.filters["up_to"] = lambda size, multiple: -(-size // multiple) * multiple
    environment.filters["signature"] = _signature
    return environment
