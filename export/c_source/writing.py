"""The files of a model in C."""

import hashlib
import json
import re
from types import MappingProxyType
from typing import Any

import jinja2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from ...proof.generated_c import GeneratedC
from ...proof.inspect.structure import GraphTensor, Operator, Structure
from ...runtime.artifact.metadata import Metadata
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
MAX_GOLDEN_IMAGES = 10
# Names go into comments and #include lines: none may end a comment, or lead to a file in another folder.
_FILE_NAME = re.compile(r"[\w .,()+=~-]+", re.ASCII)
_AXES = {2: ("HEIGHT", "WIDTH"), 3: ("HEIGHT", "WIDTH", "CHANNELS")}
_FNV_BASIS, _FNV_PRIME = 2166136261, 16777619
_SOFTMAX = "SOFTMAX"
_STANDARD, _STDC_VERSION = "ISO C 1999", 199901


def write_files(content: bytes, images: NDArray[np.uint8]) -> GeneratedC:
    """Return the C of a full-integer TFLite model.

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
    if not _FILE_NAME.fullmatch(file):
        raise ConversionError(
            "the model's name cannot be a C file's",
            received=repr(file),
            expected="letters and digits of ASCII, spaces, and any of _ . , ( ) + = ~ -",
        )
    facts = _facts(graph, program, content) | {"file": file}
    golden = _choose(reference(content, graph, images))
    environment = _environment()
    files = {
        ending: environment.get_template(template).render(**facts, golden=golden).encode("ascii")
        for ending, template in _TEMPLATES.items()
    }
    return GeneratedC(file, MappingProxyType(files), _structure(graph, program), content)


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
    embedded = _contract(graph)
    takes, gives = embedded.input, embedded.output
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


def _structure(graph: Graph, program: Program) -> Structure:
    """Return what the code consists of: its tables, the bytes between layers, and the operators."""
    contract = _contract(graph)
    tables = {table.name: table.values for table in program.tables}
    return Structure(
        inputs=(contract.input,),
        outputs=(contract.output,),
        tensors=(
            *(
                GraphTensor(name, values.dtype.name, values.shape, values.nbytes)
                for name, values in tables.items()
            ),
            *(_value(step) for step in program.steps),
        ),
        operators=tuple(
            Operator(step.operator, inputs=(step.takes.name, *step.tables), outputs=(step.gives.name,))
            for step in program.steps
        ),
        versions={"c": _STDC_VERSION},
        oldest_runtime=_STANDARD,
        metadata=contract.to_metadata(),
    )


def _value(step: Step) -> GraphTensor:
    gives = step.gives
    return GraphTensor(gives.name, "uint8", (None, gives.size), 0, (float(gives.scale),), (gives.zero,))


def _contract(graph: Graph) -> Metadata:
    """Return what the C takes and gives: an int8 of the TFLite file is a uint8 there."""
    contract = graph.contract
    return replace(contract, input=_as_bytes(contract.input), output=_as_bytes(contract.output))


def _provenance(contract: Metadata, content: bytes) -> str:
    lines = (
        f"Made of {contract.model}.int8.tflite, sha256 {hashlib.sha256(content).hexdigest()},",
        f"which was made of {contract.model}.keras, sha256 {contract.source_sha256}.",
        "Do not edit: export the model again.",
    )
    return "\n".join(f" * {texts.comment(line)}" for line in lines)


def _contract_lines(contract: Metadata) -> list[str]:
    """Return the contract as lines that `runtime.engines.c` reads in the library."""
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
    chosen = np.sort(first)[:MAX_GOLDEN_IMAGES]
    return Golden(golden.images[chosen], golden.logits[chosen], golden.probabilities[chosen])


def _signature(step: Step) -> str:
    """Return what a comment says of a step."""
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
