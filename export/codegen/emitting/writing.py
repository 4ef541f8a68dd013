"""The files of a model in C, from the bytes of its TFLite file."""

import hashlib
import re
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from ....runtime.errors import ConversionError
from ..arithmetic.fixed_point import Match
from ..graph.importing import read_graph
from ..graph.normalize import normalize
from ..planning.checking import check_plan
from ..planning.placing import ALIGNMENT
from ..planning.plan import Plan, make_plan
from ..proving.reference import Arrays, random_inputs, run_reference
from ..variants import MICROCONTROLLER
from . import texts
from .emit import Program, scratch_bytes, write_program
from .ends import classifier_of, describe_ends, golden_facts, labels_of
from .host import host_facts
from .merging import by_guard, kernel_texts, merged, merged_tables
from .rendering import environment

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
    plan = make_plan(graph, match, lambda step: scratch_bytes(step, MICROCONTROLLER))
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
    programs = [write_program(plan, each) for each in MICROCONTROLLER]
    facts = _facts(plan, programs, content, name, match)
    facts |= host_facts(plan, programs, facts, match) | {"golden": golden_facts(plan.graph, golden)}
    templates = environment("codegen")
    written = {
        ending: templates.get_template(template).render(**facts).encode("ascii")
        for ending, template in _TEMPLATES.items()
    }
    return Sources(written.pop(".c"), written, plan)


def _facts(plan: Plan, programs: list[Program], content: bytes, name: str, match: Match) -> dict[str, Any]:
    prefix = texts.identifier(name)
    macro = prefix.upper()
    graph = plan.graph
    guards = [(each.name.upper() or "PLAIN", each.guard) for each in MICROCONTROLLER]
    conditions = [f"defined(KERNELS_{guard})" for guard, _ in guards]
    ends = [*describe_ends(graph.inputs, "input"), *describe_ends(graph.outputs, "output")]
    labels = labels_of(graph)
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
        "kernels": list(merged(conditions, programs, kernel_texts).values()),
        "tables": merged_tables(conditions, programs),
        "functions": list(merged(conditions, programs, lambda program: program.functions).values()),
        "calls": [_merged_call(conditions, programs, number) for number in range(len(plan.steps))],
        "hash_functions": list(merged(conditions, programs, _hash_functions).values()),
        "hashes": by_guard(conditions, [_hashes(program) for program in programs]),
        "checksum": _checksum(macro, guards, programs),
        "labels": [texts.string(label) for label in labels],
        "classifier": classifier_of(graph, labels),
        "arena_bytes": plan.arena_bytes,
        "alignment": ALIGNMENT,
        "uses_arena": any("memory" in call.text for program in programs for call in program.calls),
        "ends": ends,
        "quantized_ends": [end for end in ends if end["scale"] is not None],
        "run_parameters": ", ".join([*parameters, "void *arena"]),
        "static_parameters": ", ".join(parameters),
        "static_arguments": ", ".join(end["name"] for end in ends),
    }


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
