"""The C that is compiled to WebAssembly: a model by the kernels of the variant `wasm`, and its memory."""

from dataclasses import dataclass

from ..codegen.arithmetic.fixed_point import Match
from ..codegen.emitting import texts
from ..codegen.emitting.emit import scratch_bytes, write_program
from ..codegen.emitting.merging import kernel_texts
from ..codegen.emitting.rendering import environment
from ..codegen.graph.importing import read_graph
from ..codegen.graph.ir import C_TYPES, Tensor
from ..codegen.graph.normalize import normalize
from ..codegen.planning.checking import check_plan
from ..codegen.planning.plan import Plan, make_plan
from ..codegen.variants import variant

_SLACK_BYTES = 64  # how far beyond the arena's end kernels may read


@dataclass(frozen=True, slots=True)
class WebSource:
    """A model in C for WebAssembly.

    Attributes:
        text: The C, one file that needs no other.
        plan: What it computes, and where its tensors lie.
    """

    text: bytes
    plan: Plan


def write_source(content: bytes, name: str, match: Match) -> WebSource:
    """Return the C of a TFLite file.

    Raises:
        ArtifactError: It is no TFLite file.
        ConversionError: There is no C for an operator or for how it is used; the message names the layer.
        MissingExtraError: jinja2 is not installed.
    """
    wasm = variant("wasm")

    plan = make_plan(normalize(read_graph(content)), match, lambda step: scratch_bytes(step, (wasm,)))
    check_plan(plan)
    program = write_program(plan, wasm)
    text = (
        environment("web")
        .get_template("module.c.jinja")
        .render(
            title=texts.comment(name),
            kernels=kernel_texts(program).values(),
            tables=program.tables.values(),
            functions=program.functions.values(),
            calls=program.calls,
            uses_arena=any("memory" in call.text for call in program.calls),
            arena_bytes=plan.arena_bytes,
            slack_bytes=_SLACK_BYTES,
            ends=[*_ends(plan.graph.inputs, "input"), *_ends(plan.graph.outputs, "output")],
        )
    )
    return WebSource(text.encode("ascii"), plan)


def _ends(tensors: tuple[Tensor, ...], area: str) -> list[dict[str, object]]:
    return [
        {
            "area": area,
            "name": f"{area}_{number}" if len(tensors) > 1 else area,
            "type": C_TYPES[tensor.dtype],
            "size": tensor.size,
        }
        for number, tensor in enumerate(tensors)
    ]
