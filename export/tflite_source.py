"""C and WebAssembly of a TFLite file of anyone's: made, proven, and put into a folder with its record."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..proof.inspect.structure import parse_structure
from ..runtime.artifact.folder import staging
from ..runtime.artifact.manifest import ArtifactRecord, ExactnessRecord, ModelRecord
from ..runtime.engines.registry import LIBRARY_SUFFIX
from ..runtime.files import read_model
from .codegen import Match
from .codegen.artifact import make_c
from .codegen.compiler import compiled
from .codegen.graph.importing import read_graph
from .codegen.graph.normalize import normalize
from .codegen.proving.exactness import prove_exact
from .codegen.proving.reference import Arrays
from .codegen.proving.regenerate import require_harmless
from .publish import Origin, check_target, describe, publish
from .web.artifact import PAGE, files_of, prove_without_data, structure_of_module
from .web.compiler import find_web_compiler
from .web.modules import Modules, make_modules

_TOOLS = ("edgemnist", "ai-edge-litert", "numpy")
_REFERENCE_BYTES = 16 << 20
_FACTS: dict[str, Any] = {
    "precision": "int8",
    "labels": (),
    "calibration": None,
    "parity": None,
    "tolerances": None,
}


KINDS = ("c", "wasm", "html")


@dataclass(frozen=True, slots=True)
class Made:
    """The record of an artifact that was made, what was compared, and of C the memory between its layers."""

    record: ArtifactRecord
    exactness: ExactnessRecord
    arena_bytes: int | None = None


def export_tflite(path: Path, folder: Path, images: NDArray[np.uint8], **options: Any) -> Made:
    """Make C of a TFLite file; see `export_kinds`."""
    return export_kinds(path, folder, images, ("c",), **options)[0]


def export_kinds(
    path: Path,
    folder: Path,
    images: NDArray[np.uint8],
    kinds: Sequence[str],
    *,
    match: Match = Match.LITERT,
    compile_library: bool = False,
    overwrite: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Made, ...]:
    """Make C or WebAssembly of a TFLite file, prove it on random inputs and fitting test images, and publish.

    Args:
        path: The file; a trailing `.int8` is no part of the model's name.
        folder: Where the artifacts, the TFLite file, the manifest and the reference's outputs go.
        images: (N, ...) uint8, which the model gets too if its input has their size.
        kinds: What to make, of `KINDS`.
        match: Whose bytes it gives.
        compile_library: Whether a shared library for this machine goes beside the C.
        overwrite: Replace artifacts that were made from another model.
        report: Called with what is under way.

    Raises:
        ArtifactError: It is no TFLite file, or crashes LiteRT.
        ConversionError: There is no C for it; the message names the layer.
        ProofError: A byte is not the runtime's.
        OptionError: The folder holds artifacts of another model and `overwrite` is off.
        OutputError: The folder cannot be written.
    """
    content = read_model(path)
    name = path.stem.removesuffix(".int8")
    model = ModelRecord(name, f"{name}.int8.tflite", hashlib.sha256(content).hexdigest())
    origin = Origin(path, model, {}, tool_versions())
    check_target(folder, origin, overwrite=overwrite)
    report("reading the model")
    structure = parse_structure(path, content)
    normalize(read_graph(content))  # an operator without C is named before LiteRT is asked to run it
    require_harmless(content)
    made: list[Made] = []
    with staging(folder) as staged:
        original = staged / model.file
        original.write_bytes(content)
        if "c" in kinds:
            found, expected = _make_c(original, name, images, match, report, compile_library=compile_library)
            made.append(found)
        web = [kind for kind in kinds if kind != "c"]
        if web:
            report("compiling to WebAssembly")
            modules = make_modules(content, name, match, find_web_compiler())
        for kind in web:
            found, expected = _make_web(original, modules, kind, images, report)
            made.append(found)
        records = [one.record for one in made]
        records.append(describe(original, structure, kind="tflite", **_FACTS))
        publish(staged, folder, origin, _stored(expected), tuple(records))
    return tuple(made)


def _make_c(
    original: Path,
    name: str,
    images: NDArray[np.uint8],
    match: Match,
    report: Callable[[str], None],
    *,
    compile_library: bool,
) -> tuple[Made, Arrays]:
    """Write C beside the TFLite file, and prove it; return what was made, and the runtime's outputs."""
    report("generating C")
    content = original.read_bytes()
    generated = make_c(content, name, match=match)
    source = generated.write(original.parent)
    companions = [source.with_name(source.stem + ending) for ending in generated.files if ending != ".c"]
    built = None
    if compile_library:
        report("compiling")
        built = source.with_suffix(LIBRARY_SUFFIX)
        built.write_bytes(compiled(source.stem, generated.files))
        companions.append(built)
    exactness, expected = prove_exact(source, content, match, images, built=built, report=report)
    record = describe(
        source, generated.structure, kind="c", companions=companions, exactness=exactness, **_FACTS
    )
    return Made(record, exactness, _arena_bytes(generated.files[".h"])), expected


def _make_web(
    original: Path,
    modules: Modules,
    kind: str,
    images: NDArray[np.uint8],
    report: Callable[[str], None],
) -> tuple[Made, Arrays]:
    """Write WebAssembly or a page beside the TFLite file; return what was made, and the runtime's outputs."""
    exactness, expected, content = prove_without_data(modules, kind, images, report)
    path = original.with_suffix(f".{kind}")
    path.write_bytes(content)
    files = {} if kind == PAGE else files_of(modules)
    companions = [path.with_name(path.stem + ending) for ending in files if ending != path.suffix]
    for companion in companions:
        companion.write_bytes(files[companion.name.removeprefix(path.stem)])
    structure = structure_of_module(modules.simd)
    compiler = modules.compiler
    record = describe(
        path, structure, kind=kind, companions=companions, exactness=exactness, compiler=compiler, **_FACTS
    )
    return Made(record, exactness), expected


def tool_versions() -> dict[str, str]:
    """Return the versions of what has a part in the record of a file of anyone's."""
    return {tool: metadata.version(tool) for tool in _TOOLS}


def _stored(expected: tuple[NDArray[np.generic], ...]) -> dict[str, Any]:
    """Return the outputs for the first inputs, as many as a file should hold."""
    each_bytes = sum(array[0].nbytes for array in expected)
    count = max(_REFERENCE_BYTES // max(each_bytes, 1), 1)
    if len(expected) == 1:
        return {"values": expected[0][:count]}
    return {f"values_{number}": array[:count] for number, array in enumerate(expected)}


def _arena_bytes(header: bytes) -> int:
    line = next(line for line in header.splitlines() if b"_ARENA_BYTES " in line)
    return int(line.rsplit(maxsplit=1)[1])
