"""The library for this machine: its variants, and what it tells the engine that loads it."""

import json
from collections.abc import Sequence
from typing import Any

from ....runtime.engines.c import ABI_VERSION
from ..arithmetic.fixed_point import Match
from ..graph.ir import Graph
from ..planning.checking import check_plan
from ..planning.plan import Plan, make_plan
from ..variants import HOST, Variant
from . import texts
from .emit import Program, scratch_bytes, write_program
from .ends import is_batched
from .merging import kernel_texts


def host_facts(
    plan: Plan, programs: Sequence[Program], facts: dict[str, Any], match: Match
) -> dict[str, Any]:
    """Return what the library's template needs besides the facts of the model's C file, and its programs."""
    written = {name: "" for each in programs for name in each.kernels}
    inputs = [end for end in facts["ends"] if end["area"] == "input"]
    outputs = [end for end in facts["ends"] if end["area"] == "output"]
    casts = [f"(const {end['type']} *)inputs[{number}]" for number, end in enumerate(inputs)]
    casts += [f"({end['type']} *)outputs[{number}]" for number, end in enumerate(outputs)]
    sizes = [end["size"] for end in (*inputs, *outputs)]
    return {
        "abi_version": ABI_VERSION,
        "host_variants": [
            _host_variant(plan.graph, each, match, programs[-1], written)
            for each in reversed(HOST)
            if each.name
        ],
        "description": texts.rows([*_description(plan.graph, match), 0]),
        "one_to_one": len(inputs) == len(outputs) == 1,
        "run_arguments": f"{facts['static_arguments']}, arena",
        "pointer_arguments": ", ".join(casts),
        "many_arguments": ", ".join(f"{cast} + i * {size}" for cast, size in zip(casts, sizes, strict=True)),
    }


def _host_variant(
    graph: Graph, variant: Variant, match: Match, plain: Program, written: dict[str, str]
) -> dict[str, Any]:
    """Return a variant of the library: a plan of its own, and kernels and tables that the C file has not.

    Args:
        graph: The model.
        variant: The variant.
        match: Whose bytes it gives.
        plain: The model in plain C; the library is never compiled for a microcontroller.
        written: The kernels that stand before it and their guards, to which its own are added.
    """
    plan = make_plan(graph, match, lambda step: scratch_bytes(step, (variant,)))
    check_plan(plan)
    prefix = f"{variant.name}_"
    program = write_program(plan, variant, prefix)
    known = {"", variant.guard, variant.falls_to.guard if variant.falls_to else ""}
    kernels = {name: text for name, text in kernel_texts(program).items() if written.get(name) not in known}
    written |= dict.fromkeys(kernels, variant.guard)
    tables = {
        name: f"#define {name} {name.removeprefix(prefix)}"
        if text.replace(name, name.removeprefix(prefix), 1) == plain.tables.get(name.removeprefix(prefix))
        else text.replace("static const", "ALIGNED static const", 1)
        for name, text in program.tables.items()
    }
    return {
        "name": variant.name,
        "macro": variant.name.upper(),
        "guard": variant.guard,
        "target": variant.target,
        "check": variant.check,
        "kernels": list(kernels.values()),
        "tables": list(tables.values()),
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
