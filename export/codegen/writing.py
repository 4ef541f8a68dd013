"""The files of a model in C, from the bytes of its TFLite file."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from ...runtime.engines.c import ABI_VERSION
from ...runtime.errors import ConversionError, MissingExtraError
from . import texts
from .checking import check_plan
from .emit import Program, by_guard, kernel_texts, merged, write_program
from .fixed_point import Match
from .importing import read_graph
from .ir import C_TYPES, Graph, Tensor
from .lowering import limits_of
from .normalize import normalize
from .plan import ALIGNMENT, Plan, make_plan
from .reference import Arrays, Golden, random_inputs, run_reference
from .variants import HOST, MICROCONTROLLER, Variant

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = {
    ".c": "model.c.jinja",
    ".h": "model.h.jinja",
    "_selftest.c": "selftest.c.jinja",
    "_host.c": "host.c.jinja",
}
GOLDEN_INPUTS = 10
# Of a self-test's inputs together; one input it has always.
_GOLDEN_BYTES = 1 << 16
# Names go into comments and #include lines: none may end a comment, or lead to a file in another folder.
_FILE_NAME = re.compile(r"[\w .,()+=~-]+", re.ASCII)
_AXES = {2: ("HEIGHT", "WIDTH"), 3: ("HEIGHT", "WIDTH", "CHANNELS")}
_LABELS = "edgemnist.labels"
_REFERENCES = {
    Match.LITERT: "LiteRT's reference kernels give",
    Match.TFLM: "TensorFlow Lite Micro gives",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """A model in C.

    Attributes:
        model: The C file.
        companions: The other files, by what their names end with after that of the model.
        plan: What was written.
    """

    model: bytes
    companions: dict[str, bytes]
    plan: Plan = field(repr=False)


def read_plan(content: bytes, match: Match = Match.LITERT) -> Plan:
    """Return the steps of a TFLite file and where their tensors lie.

    Raises:
        ArtifactError: It is no TFLite file.
        ConversionError: There is no C for an operator or for how it is used; the message names the layer.
    """
    graph = normalize(read_graph(content))
    plan = make_plan(graph, match, lambda step: _scratch(step, MICROCONTROLLER))
    check_plan(plan)
    return plan


def generate(
    content: bytes, name: str, *, match: Match = Match.LITERT, samples: Arrays | None = None
) -> Sources:
    """Return a TFLite model as C99.

    Args:
        content: The TFLite file.
        name: What functions are called after; the files are `<name>.int8.c` and so on.
        match: Whose bytes the C gives.
        samples: Inputs for the self-test, `(N, *shape)` for each input of the model; seeded random ones by
            default.

    Raises:
        ArtifactError: It is no TFLite file.
        ConversionError: There is no C for an operator or for how it is used, or the name cannot be a C
            file's.
        MissingExtraError: The runtime to match is not installed.
    """
    file = f"{name}.int8"
    if not _FILE_NAME.fullmatch(file):
        raise ConversionError(
            "the model's name cannot be a C file's",
            received=repr(file),
            expected="letters and digits of ASCII, spaces, and any of _ . , ( ) + = ~ -",
        )
    plan = read_plan(content, match)
    inputs = samples or random_inputs(plan.graph, GOLDEN_INPUTS)
    each_bytes = sum(tensor.size_bytes for tensor in plan.graph.inputs)
    count = min(GOLDEN_INPUTS, max(_GOLDEN_BYTES // max(each_bytes, 1), 1))
    golden = run_reference(content, tuple(array[:count] for array in inputs), match)
    facts = _facts(plan, content, name, match)
    facts |= _host_facts(plan, facts, match) | {"golden": _golden(plan.graph, golden)}
    environment = _environment()
    written = {
        ending: environment.get_template(template).render(**facts).encode("ascii")
        for ending, template in _TEMPLATES.items()
    }
    return Sources(written.pop(".c"), written, plan)


def _scratch(step: Any, variants: tuple[Variant, ...]) -> int:
    found = [
        each.implementations[step.kernel].scratch_bytes(step)
        for each in variants
        if step.kernel in each.implementations and each.implementations[step.kernel].supports(step)
    ]
    return max(found, default=0)


def _facts(plan: Plan, content: bytes, name: str, match: Match) -> dict[str, Any]:
    prefix = texts.identifier(name)
    macro = prefix.upper()
    graph = plan.graph
    guards = [(each.name.upper() or "PLAIN", each.guard) for each in MICROCONTROLLER]
    programs = [write_program(plan, each) for each in MICROCONTROLLER]
    conditions = [f"defined(KERNELS_{guard})" for guard, _ in guards]
    ends = [*_ends(graph.inputs, "input"), *_ends(graph.outputs, "output")]
    labels = _labels(graph)
    parameters = [f"{'const ' * (end['area'] == 'input')}{end['type']} *{end['name']}" for end in ends]
    return {
        "file": f"{name}.int8",
        "prefix": prefix,
        "macro": macro,
        "guard": f"{macro}_INT8_H",
        "title": f"{texts.comment(name)}.int8: a network in integers, C99, written by edgemnist",
        "provenance": _provenance(content, name, match),
        "reference": _REFERENCES[match],
        "has_float": any("float" in end["type"] for end in ends),
        "guards": guards,
        "kernels": merged(conditions, programs, kernel_texts),
        "tables": merged(conditions, programs, lambda program: program.tables),
        "functions": merged(conditions, programs, lambda program: program.functions),
        "calls": [_merged_call(conditions, programs, number) for number in range(len(plan.steps))],
        "hash_functions": merged(conditions, programs, _hash_functions),
        "hashes": by_guard(conditions, [_hashes(program) for program in programs]),
        "checksum": _checksum(macro, guards, programs),
        "labels": [texts.string(label) for label in labels],
        "classifier": _classifier(graph, labels),
        "arena_bytes": plan.arena_bytes,
        "alignment": ALIGNMENT,
        "uses_arena": any("memory" in call.text for program in programs for call in program.calls),
        "ends": ends,
        "quantized_ends": [end for end in ends if end["scale"] is not None],
        "run_parameters": ", ".join([*parameters, "void *arena"]),
        "static_parameters": ", ".join(parameters),
        "static_arguments": ", ".join(end["name"] for end in ends),
    }


def _host_facts(plan: Plan, facts: dict[str, Any], match: Match) -> dict[str, Any]:
    inputs = [end for end in facts["ends"] if end["area"] == "input"]
    outputs = [end for end in facts["ends"] if end["area"] == "output"]
    casts = [f"(const {end['type']} *)inputs[{number}]" for number, end in enumerate(inputs)]
    casts += [f"({end['type']} *)outputs[{number}]" for number, end in enumerate(outputs)]
    sizes = [end["size"] for end in (*inputs, *outputs)]
    return {
        "abi_version": ABI_VERSION,
        "host_variants": [_host_variant(plan.graph, each, match) for each in reversed(HOST) if each.name],
        "description": texts.rows([*_description(plan.graph, match), 0]),
        "one_to_one": len(inputs) == len(outputs) == 1,
        "run_arguments": f"{facts['static_arguments']}, arena",
        "pointer_arguments": ", ".join(casts),
        "many_arguments": ", ".join(f"{cast} + i * {size}" for cast, size in zip(casts, sizes, strict=True)),
    }


def _host_variant(graph: Graph, variant: Variant, match: Match) -> dict[str, Any]:
    """Return a variant of the library, which has a plan of its own, and kernels that the C file has not."""
    plan = make_plan(graph, match, lambda step: _scratch(step, (variant,)))
    check_plan(plan)
    program = write_program(plan, variant, f"{variant.name}_")
    written = {name for each in MICROCONTROLLER for name in write_program(plan, each).kernels}
    return {
        "name": variant.name,
        "macro": variant.name.upper(),
        "guard": variant.guard,
        "target": variant.target,
        "check": variant.check,
        "kernels": [text for name, text in kernel_texts(program).items() if name not in written],
        "tables": list(program.tables.values()),
        "functions": list(program.functions.values()),
        "calls": program.calls,
        "uses_arena": any("memory" in call.text for call in program.calls),
        "arena_bytes": plan.arena_bytes,
    }


def _description(graph: Graph, match: Match) -> bytes:
    """Return what the engine has to know, as JSON in ASCII."""
    ends = {
        area: [
            {
                "name": tensor.name,
                "dtype": tensor.dtype,
                "shape": tensor.shape,
                "scale": float(tensor.scale) if len(tensor.scales) == 1 else 0.0,
                "zero_point": tensor.zero_point if len(tensor.scales) == 1 else 0,
            }
            for tensor in tensors
        ]
        for area, tensors in (("inputs", graph.inputs), ("outputs", graph.outputs))
    }
    document = {
        **ends,
        "batched": is_batched(graph),
        "match": match.value,
        "metadata": dict(graph.metadata),
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii")


def is_batched(graph: Graph) -> bool:
    """Whether the first axis of all inputs and outputs is a batch, of which the C computes one at a time."""
    return all(tensor.shape[:1] == (1,) for tensor in (*graph.inputs, *graph.outputs))


def _merged_call(conditions: list[str], programs: list[Program], number: int) -> dict[str, Any]:
    calls = [program.calls[number] for program in programs]
    return {
        "number": number,
        "comment": calls[0].comment,
        "text": by_guard(conditions, [f"    {call.text}" for call in calls]),
        "result": calls[0].result,
        "result_bytes": calls[0].result_bytes,
    }


def _hashes(program: Program) -> str:
    return "\n".join(f"    hash = hash_{kind}(hash, {name}, {size});" for name, kind, size in program.hashed)


def _hash_functions(program: Program) -> dict[str, str]:
    kinds = sorted({kind for _, kind, _ in program.hashed})
    return {kind: texts.hash_function(kind) for kind in kinds}


def _checksum(macro: str, guards: list[tuple[str, str]], programs: list[Program]) -> str:
    conditions = [f"!defined({macro}_PLAIN_C) && {guard}" for _, guard in guards]
    return by_guard(
        conditions, [f"#define {macro}_CHECKSUM 0x{program.checksum:08X}u" for program in programs]
    )


def _ends(tensors: tuple[Tensor, ...], area: str) -> list[dict[str, Any]]:
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


def _labels(graph: Graph) -> list[str]:
    """Return the names of the classes that the file carries, if they are as many as its outputs."""
    try:
        labels = json.loads(graph.metadata.get(_LABELS, "[]"))
    except ValueError:
        return []
    fits = len(graph.outputs) == 1 and isinstance(labels, list) and len(labels) == graph.outputs[0].size
    return [str(label) for label in labels] if fits else []


def _classifier(graph: Graph, labels: list[str]) -> dict[str, Any] | None:
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


def _golden(graph: Graph, golden: Golden) -> dict[str, Any]:
    ends = [*_ends(graph.inputs, "input"), *_ends(graph.outputs, "output")]
    for end, arrays in zip(ends, (*golden.inputs, *golden.outputs), strict=True):
        flat = arrays.reshape(len(arrays), -1)
        is_float = end["type"] == "float"
        end["rows"] = [_float_rows(row) if is_float else texts.rows(row.tolist(), "        ") for row in flat]
        found, expected = f"found_{end['name']}[i]", f"{end['name']}s[number][i]"
        end["unequal"] = (
            f"{found} < {expected} || {found} > {expected}" if is_float else f"{found} != {expected}"
        )
    names = [f"{end['name']}s[number]" if end["area"] == "input" else f"found_{end['name']}" for end in ends]
    return {"count": len(golden.inputs[0]), "ends": ends, "arguments": ", ".join(names)}


def _float_rows(values: Any) -> str:
    return "\n".join(f"        {texts.number(float(value))}," for value in np.asarray(values, np.float32))


def _provenance(content: bytes, name: str, match: Match) -> str:
    """Return comments that `proof.generated_c` and `regenerate` read again."""
    lines = (
        f"Made of {name}.int8.tflite, sha256 {hashlib.sha256(content).hexdigest()}.",
        (
            f"Generated by edgemnist {metadata.version('edgemnist')} to match {match.value}."
            " Do not edit: export the model again."
        ),
    )
    return "\n".join(f" * {texts.comment(line)}" for line in lines)


@cache
def _environment() -> "Environment":
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError("jinja2", "verify", "writing C") from error
    return jinja2.Environment(
        loader=jinja2.PackageLoader(__package__ or "", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - the result is C
    )
