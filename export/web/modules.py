"""The WebAssembly modules of a model: its C compiled with vectors and without, and described inside."""

import json
from dataclasses import dataclass
from functools import lru_cache

from ...runtime.artifact.wasm_file import IMPORT, read_sections, with_description
from ...runtime.errors import ConversionError
from ..codegen.arithmetic.fixed_point import Match
from ..codegen.artifact import spec_of, structure_of
from ..codegen.emitting.ends import is_batched
from ..codegen.graph.ir import Graph
from ..codegen.planning.plan import Plan
from .compiler import WebCompiler
from .source import write_source


@dataclass(frozen=True, slots=True)
class Modules:
    """A model as WebAssembly.

    Attributes:
        name: The model's name.
        simd: The module that uses SIMD128.
        plain: The module for engines without it; its tables are the same.
        graph: What they compute.
        match: Whose bytes they give.
        compiler: The compiler and its version.
        made_of: The content of the TFLite file.
    """

    name: str
    simd: bytes
    plain: bytes
    graph: Graph
    match: Match
    compiler: str
    made_of: bytes

    @property
    def by_name(self) -> dict[str, bytes]:
        """Both modules by what they are called."""
        return {"simd": self.simd, "plain": self.plain}


@lru_cache(maxsize=1)  # of which both int8.wasm and int8.html are made
def make_modules(content: bytes, name: str, match: Match, compiler: WebCompiler) -> Modules:
    """Return the modules of a TFLite file.

    Raises:
        ArtifactError: It is no TFLite file.
        ConversionError: There is no C for an operator or for how it is used, or the compiler failed.
        MissingExtraError: jinja2 is not installed.
    """
    source = write_source(content, name, match)
    document = describe_plan(source.plan, match)
    simd, plain = (
        with_description(
            without_imports(compiler.compile(source.text, vectors=vectors)), document, vectors=vectors
        )
        for vectors in (True, False)
    )
    return Modules(name, simd, plain, source.plan.graph, match, compiler.name, content)


def without_imports(module: bytes) -> bytes:
    """Return a module after checking that it asks for nothing; ConversionError if it does."""
    if any(section.kind == IMPORT for section in read_sections(module)):
        raise ConversionError(
            "the compiled model wants something from outside", expected="a module without imports"
        )
    return module


def describe_plan(plan: Plan, match: Match) -> bytes:
    """Return what is written into both modules, as JSON in ASCII; `runtime.artifact.wasm_file` reads it."""
    structure = structure_of(plan)
    ends = {
        side: [
            {
                "name": end.name,
                "dtype": end.dtype,
                "shape": end.shape,
                "scale": end.scale,
                "zero_point": end.zero_point,
            }
            for end in (spec_of(tensor, batched=False) for tensor in tensors)
        ]
        for side, tensors in (("inputs", plan.graph.inputs), ("outputs", plan.graph.outputs))
    }
    document = {
        **ends,
        "batched": is_batched(plan.graph),
        "match": match.value,
        "metadata": dict(plan.graph.metadata),
        "operators": [(each.name, each.inputs, each.outputs) for each in structure.operators],
        "weights": [
            (tensor.name, tensor.dtype, tensor.shape, tensor.size_bytes)
            for tensor in structure.tensors
            if tensor.size_bytes
        ],
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii")
