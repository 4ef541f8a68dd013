"""WebAssembly and pages made again of a TFLite file, to prove those that are there already."""

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from ...data.datasets import Split
from ...proof.formats import Format
from ...proof.generated_web import WebFound
from ...runtime.artifact.manifest import ArtifactRecord
from ...runtime.artifact.page_file import BLOB, read_blobs, read_modules
from ...runtime.artifact.wasm_file import read_description
from ...runtime.errors import ProofError, UnprovenError
from ...runtime.files import read_model
from ..codegen.arithmetic.fixed_point import Match
from ..codegen.proving.exactness import fitting_images
from ..codegen.proving.regenerate import require_harmless
from .artifact import PAGE, files_of, prove_with_data, prove_without_data, structure_of_module
from .compiler import MissingWebCompilerError, WebCompiler, find_web_compiler
from .modules import Modules, make_modules
from .proving import prove_modules

_WRITTEN = re.compile(rb'(?:written by edgemnist |content="edgemnist )([0-9A-Za-z.+!-]{1,40}?)\.?["\n]')
_PACKAGE = "edgemnist"


def prove_web(
    path: Path,
    record: ArtifactRecord,
    row: Format | None,
    reference: NDArray[np.float32] | None,
    test: Split,
) -> WebFound:
    """Make int8.wasm or int8.html again and compare it; see `proof.generated_web.ProveWeb`.

    A module that another compiler made is run in wasmtime, without imports, and must give the same bytes as
    the one that is made here and the runtime.

    Raises:
        UnprovenError: The TFLite file is missing, there is no compiler, or another version wrote the file.
        ProofError: The file is not what it must be.
        MissingExtraError: LiteRT, jinja2 or wasmtime is not installed.
        EdgeMnistError: The TFLite file is refused, or a stranger's module fails.
    """
    origin = path.with_suffix(".tflite")
    if not origin.is_file():
        raise UnprovenError(
            f"{path.name} can only be proven by making it again, and {origin.name} is not beside it",
            fix=f"`edgemnist export --format int8.tflite --format {path.suffix[1:]}` makes both.",
        )
    content = read_model(origin)
    require_harmless(content)
    match = Match.LITERT if record.exactness is UNSET else Match(record.exactness.runtime)
    compiler = _compiler()
    ours = make_modules(content, path.stem.removesuffix(".int8"), match, compiler)
    found = _files(path, record)
    modules, note = _compiled(path, ours, found, record, compiler, test)
    if path.suffix != f".{PAGE}":
        expected = files_of(ours)
        for ending in (".mjs", ".d.ts"):
            if found[ending] != expected[ending]:
                raise _another(path.stem + ending, found[ending])
    structure = structure_of_module(modules.simd)
    if row is None or reference is None:
        exactness, _, again = prove_without_data(modules, record.format, test.array, node=not note)
        result = WebFound(structure, exactness, note=note)
    else:
        batch = structure.inputs[0].shape[0]
        made = prove_with_data(modules, row, reference, test, batch=batch, node=not note)
        again = made.content
        result = WebFound(structure, made.exactness, made.proof, note)
    if path.suffix == f".{PAGE}" and again and not _same_page(found[".html"], again):
        raise _another(path.name, found[".html"])
    return result


def _compiler() -> WebCompiler:
    try:
        return find_web_compiler()
    except MissingWebCompilerError as error:
        raise UnprovenError(error.problem, received=error.received, fix=error.fix) from error


def _files(path: Path, record: ArtifactRecord) -> dict[str, bytes]:
    """Return the files of an artifact, by what their names have after `<model>.int8`."""
    endings = (f".{PAGE}",) if path.suffix == f".{PAGE}" else (".wasm", ".plain.wasm", ".mjs", ".d.ts")
    recorded = {record.file, *record.companions}
    missing = [path.stem + ending for ending in endings if path.stem + ending not in recorded]
    if missing:
        raise ProofError(f"{', '.join(missing)} is not in the manifest")
    return {ending: path.with_name(path.stem + ending).read_bytes() for ending in endings}


def _compiled(
    path: Path,
    ours: Modules,
    found: Mapping[str, bytes],
    record: ArtifactRecord,
    compiler: WebCompiler,
    test: Split,
) -> tuple[Modules, str]:
    """Return the modules that are there, and a note where the compiler here makes others.

    Raises:
        ProofError: They are others, by the manifest's own account of the same compiler; or they do not give
            the same bytes.
    """
    if f".{PAGE}" in found:
        theirs = read_modules(found[f".{PAGE}"])
    else:
        theirs = {"simd": found[".wasm"], "plain": found[".plain.wasm"]}
    named = compiler.name if record.compiler is UNSET else record.compiler
    modules = replace(ours, compiler=named)
    if theirs == ours.by_name:
        return modules, ""
    if named == compiler.name:
        raise ProofError(
            f"{path.name} is not what {_PACKAGE} {metadata.version(_PACKAGE)} and {compiler.name} make"
            f" of {path.stem}.tflite"
        )
    for name, content in theirs.items():
        if read_description(content) != read_description(ours.simd):
            raise ProofError(
                f"the module {name} of {path.name} describes another model than {path.stem}.tflite"
            )
    prove_modules(ours, files_of(ours), fitting_images(test.array, ours.graph))
    note = f"compiled by {named}, here by {compiler.name}: in a sandbox both give the same bytes"
    return replace(modules, simd=theirs["simd"], plain=theirs["plain"]), note


def _another(name: str, content: bytes) -> ProofError:
    """Return the error for a file that is not what is made here."""
    written, here = _WRITTEN.search(content), metadata.version(_PACKAGE)
    version = written[1].decode() if written else "of an unknown version"
    if version != here:
        return UnprovenError(
            f"{name} was written by another version, which only that one can prove",
            received=f"{_PACKAGE} {version}, by its own account",
            expected=f"{_PACKAGE} {here}",
            fix="Verify it with that version, or export the model again.",
        )
    return ProofError(f"{name} is not what {_PACKAGE} {here} makes")


def _same_page(found: bytes, again: bytes) -> bool:
    """Return whether pages are equal but for how their binary parts are packed, as another zlib does it."""
    return BLOB.sub(rb"\1", found) == BLOB.sub(rb"\1", again) and read_blobs(found) == read_blobs(again)
