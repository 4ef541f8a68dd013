"""C that another version of the generator wrote, proven as WebAssembly: a sandbox without imports.

Such C cannot be generated again here, and to run it would hand its author this machine. So it is read for
what could reach files while it is compiled, compiled to WebAssembly, and run in wasmtime. What that proves is
what its plain C answers; the code in it for particular processors is not run.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...proof.generated_c import read_claims
from ...proof.generated_web import WebFound
from ...runtime.artifact.manifest import ExactnessRecord
from ...runtime.artifact.wasm_file import with_description
from ...runtime.errors import ArtifactError, ConversionError, EngineError, UnprovenError
from ...runtime.files import read_model
from ..codegen.arithmetic.fixed_point import Match
from ..codegen.artifact import structure_of
from ..codegen.emitting import texts
from ..codegen.emitting.rendering import environment
from ..codegen.emitting.writing import read_plan
from ..codegen.graph.ir import C_TYPES, Graph
from ..codegen.proving.exactness import RANDOM_INPUTS, SEED, fitting_images
from ..codegen.proving.reference import random_inputs, run_reference
from ..codegen.proving.regenerate import require_harmless
from .compiler import find_web_compiler
from .modules import describe_plan, without_imports
from .proving import require_equal, run_in_wasmtime

# Comments, strings, characters, directives, words, and what else begins something.
_PIECES = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\#[^\n]*|\w+|/\*|%:|<:|[;"'\\]""",
    re.DOTALL,
)
_DIRECTIVES = {"define", "undef", "if", "ifdef", "ifndef", "elif", "else", "endif"}
_HEADERS = {"<stdint.h>", "<arm_mve.h>", "<arm_acle.h>"}
_PRAGMA = re.compile(
    r"GCC unroll \d{1,3}|clang loop vectorize_width\(\d{1,3}\) interleave_count\(\d{1,3}\)"
    r'|clang diagnostic ignored "-Wpass-failed"'
)
# What reads files while it is compiled.
_FORBIDDEN = {"_Pragma", "__pragma", "__has_include", "__has_embed", "include_next"}
# Kernels for particular processors have instructions of theirs, but no directives of an assembler.
_ASSEMBLY = {"asm", "__asm", "__asm__"}
_INSTRUCTION = re.compile(r'"[=+&a-z0-9 %,#\[\]_]*"')
_ARENA = re.compile(r"^#define \w+_ARENA_BYTES \d{1,9}$", re.MULTILINE)


def prove_foreign_c(path: Path, images: NDArray[np.uint8]) -> WebFound:
    """Run C of another version as WebAssembly, and compare every byte with the runtime's.

    Args:
        path: The C file, with its header and the TFLite file beside it.
        images: (N, ...) uint8, which the model gets too if its input has their size.

    Raises:
        ProofError: A byte is not the runtime's.
        UnprovenError: The C holds what no generator writes, or cannot be compiled or run here.
        MissingExtraError: wasmtime, LiteRT or jinja2 is not installed.
    """
    content = read_model(path.with_suffix(".tflite"))
    require_harmless(content)
    claims = read_claims(path.read_bytes())
    match = Match(claims.match) if claims.match in {each.value for each in Match} else Match.LITERT
    plan = read_plan(content, match)
    files = {name: _checked(path.with_name(name), path.stem) for name in (path.name, f"{path.stem}.h")}
    driver = _driver(path.stem, plan.graph, files[f"{path.stem}.h"])
    try:
        module = find_web_compiler().compile(driver, vectors=False, beside=files)
        described = with_description(without_imports(module), describe_plan(plan, match), vectors=False)
        exactness = _compare(described, content, plan.graph, match, images)
    except (ConversionError, ArtifactError, EngineError) as error:
        raise UnprovenError(
            f"{path.name} was written by another version, and cannot be run as WebAssembly", received=error
        ) from error
    version = claims.version or "of an unknown version"
    note = (
        f"{exactness.sentence}; written by edgemnist {version}, not generated again: its plain C was run as"
        " WebAssembly, its code for particular processors was not"
    )
    return WebFound(structure_of(plan), exactness, note=note)


def _compare(
    module: bytes, content: bytes, graph: Graph, match: Match, images: NDArray[np.uint8]
) -> ExactnessRecord:
    random, fitting = random_inputs(graph, RANDOM_INPUTS, SEED), fitting_images(images, graph)
    compared = 0
    for inputs in (random, *([(fitting,)] if len(fitting) else [])):
        expected = run_reference(content, inputs, match).outputs
        require_equal("of the C", run_in_wasmtime(module, graph, inputs), expected)
        compared += sum(array.nbytes for array in expected)
    return ExactnessRecord(match.value, RANDOM_INPUTS, SEED, len(fitting), compared)


def _driver(stem: str, graph: Graph, header: bytes) -> bytes:
    """Return C that gives the functions of that C memory, and the names that an engine calls."""
    prefix = texts.identifier(stem.removesuffix(".int8"))
    ends = [
        {
            "area": area,
            "name": f"sandbox_{area}_{number}",
            "type": C_TYPES[tensor.dtype],
            "size": tensor.size,
        }
        for area, tensors in (("input", graph.inputs), ("output", graph.outputs))
        for number, tensor in enumerate(tensors)
    ]
    template = environment("web").get_template("sandbox.c.jinja")
    has_arena = _ARENA.search(header.decode("ascii", "replace")) is not None
    return template.render(
        file=stem, prefix=prefix, macro=prefix.upper(), ends=ends, has_arena=has_arena
    ).encode("ascii")


def _checked(path: Path, stem: str) -> bytes:
    """Return a C file that reads no other file while it is compiled but its own header.

    Raises:
        UnprovenError: It is missing, or holds something that the generator never writes.
    """
    if not path.is_file():
        raise UnprovenError(f"{path.name} is missing")
    content = path.read_bytes()
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise UnprovenError(f"{path.name} is not ASCII, as generated C is", received=error) from error
    strange = next(_strange(text, f'"{stem}.h"'), None)
    if strange is not None:
        raise UnprovenError(f"{path.name} holds what no generator writes", received=repr(strange[:80]))
    return content


def _strange(text: str, own_header: str) -> Iterator[str]:
    """Yield what might reach outside: directives, words and spellings that generated C does not have."""
    # As a compiler joins lines. A line may then end only where it seems to end, and every character is what
    # it seems to be: no trigraphs, and no space behind a backslash, which some compilers overlook.
    joined = text.replace("\\\n", "")
    for each in (text, joined):
        yield from re.findall(r"[^ -~\n]|\\ +\n|\?\?", each)
    in_assembly = False
    for piece in (found[0] for found in _PIECES.finditer(joined)):
        in_assembly = piece != ";" and (in_assembly or piece in _ASSEMBLY)
        if piece.startswith(("/*", "//")) or (piece[0] in "\"'" and len(piece) > 1):
            does_not_end = piece == "/*"
            if does_not_end or (in_assembly and piece[0] == '"' and not _INSTRUCTION.fullmatch(piece)):
                yield piece
        elif piece.startswith("#"):
            yield from _strange_directive(piece, own_header)
        elif piece in _FORBIDDEN or not (piece[0].isalnum() or piece[0] in "_;"):
            yield piece


def _strange_directive(line: str, own_header: str) -> Iterator[str]:
    word, _, rest = line.removeprefix("#").strip().partition(" ")
    rest = rest.strip()
    if word == "include":
        known = rest in {own_header, *_HEADERS}
    elif word == "pragma":
        known = _PRAGMA.fullmatch(rest) is not None
    else:
        inside = set(re.findall(r"\w+", rest)) & (_FORBIDDEN | _ASSEMBLY)
        known = word in _DIRECTIVES and not inside and not set(rest) & set("\"'#\\") and "%:" not in rest
    if not known or "/*" in line:
        yield line
