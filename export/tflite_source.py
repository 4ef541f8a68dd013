"""C of a TFLite file of anyone's: made, proven, and put into a folder with its record."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..proof.inspect.structure import Structure, parse_structure
from ..runtime.artifact.folder import commit, recover, staging
from ..runtime.artifact.manifest import (
    MANIFEST_NAME,
    REFERENCE_NAME,
    SCHEMA_VERSION,
    ArtifactRecord,
    ExactnessRecord,
    Manifest,
    ModelRecord,
    ReferenceRecord,
    read_manifest,
    write_manifest,
)
from ..runtime.engines.registry import LIBRARY_SUFFIX
from ..runtime.errors import OptionError
from ..runtime.files import read_model, sha256_of
from .codegen import Match
from .codegen.artifact import make_c
from .codegen.compiler import compiled
from .codegen.exactness import prove_exact
from .codegen.importing import read_graph
from .codegen.normalize import normalize
from .codegen.regenerate import require_harmless

_TOOLS = ("edgemnist", "ai-edge-litert", "numpy")
_REFERENCE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a TFLite file.

    Attributes:
        record: The record of the C.
        exactness: What was compared.
        arena_bytes: The memory between the layers.
    """

    record: ArtifactRecord
    exactness: ExactnessRecord
    arena_bytes: int


def export_tflite(
    path: Path,
    folder: Path,
    images: NDArray[np.uint8],
    *,
    match: Match = Match.LITERT,
    compile_library: bool = False,
    overwrite: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Made:
    """Make C of a TFLite file, prove it on random inputs and test images that fit, and publish both.

    Args:
        path: The file; a trailing `.int8` is no part of the model's name.
        folder: Where the C, the TFLite file, the manifest and the reference's outputs go.
        images: (N, ...) uint8, which the model gets too if its input has their size.
        match: Whose bytes the C gives.
        compile_library: Whether a shared library for this machine goes beside it.
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
    sha256 = hashlib.sha256(content).hexdigest()
    _check_target(folder, sha256, overwrite=overwrite)
    report("reading the model")
    structure = parse_structure(path, content)
    normalize(read_graph(content))  # an operator without C is named before LiteRT is asked to run it
    require_harmless(content)
    report("generating C")
    generated = make_c(content, name, match=match)
    with staging(folder) as staged:
        source = generated.write(staged)
        files = dict(generated.files)
        built = None
        if compile_library:
            report("compiling")
            built = staged / f"{name}.int8{LIBRARY_SUFFIX}"
            built.write_bytes(compiled(f"{name}.int8", files))
        exactness, expected = prove_exact(source, content, match, images, built=built, report=report)
        reference = staged / REFERENCE_NAME
        np.savez_compressed(reference, **_stored(expected))
        companions = [staged / f"{name}.int8{ending}" for ending in files if ending != ".c"]
        record = _record(source, "c", generated.structure, [*companions, *([built] if built else [])])
        record = msgspec.structs.replace(record, exactness=exactness)
        original = _record(source.with_suffix(".tflite"), "tflite", structure, [])
        manifest = Manifest(
            model=ModelRecord(name, original.file, sha256),
            dataset={},
            reference=ReferenceRecord(REFERENCE_NAME, sha256_of(reference)),
            tools={tool: metadata.version(tool) for tool in _TOOLS},
            artifacts=(record, original),
            schema_version=SCHEMA_VERSION,
        )
        commit(staged, folder, prepare=lambda: write_manifest(staged, manifest))
    return Made(record, exactness, _arena_bytes(files[".h"]))


def _check_target(folder: Path, sha256: str, *, overwrite: bool) -> None:
    recover(folder)
    if overwrite or not (folder / MANIFEST_NAME).exists():
        return
    previous = read_manifest(folder)
    if previous.model.sha256 != sha256 or previous.dataset:
        raise OptionError(
            f"{folder} holds artifacts of another model",
            received=f"a model with sha256 {sha256[:12]}…",
            expected=f"{previous.model.file} with sha256 {previous.model.sha256[:12]}…",
            fix="Replace them with --overwrite, or choose another folder with --artifacts.",
        )


def _stored(expected: tuple[NDArray[np.generic], ...]) -> dict[str, Any]:
    """Return the outputs for the first inputs, as many as a file should hold."""
    each_bytes = sum(array[0].nbytes for array in expected)
    count = max(_REFERENCE_BYTES // max(each_bytes, 1), 1)
    if len(expected) == 1:
        return {"values": expected[0][:count]}
    return {f"values_{number}": array[:count] for number, array in enumerate(expected)}


def _record(path: Path, kind: str, structure: Structure, companions: list[Path]) -> ArtifactRecord:
    return ArtifactRecord(
        file=path.name,
        format=kind,
        precision="int8",
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        input=structure.inputs[0],
        output=structure.outputs[0],
        labels=(),
        operators=structure.operator_names,
        versions=structure.versions,
        oldest_runtime=structure.oldest_runtime,
        calibration=None,
        parity=None,
        tolerances=None,
        companions={companion.name: sha256_of(companion) for companion in companions},
        companion_bytes={companion.name: companion.stat().st_size for companion in companions},
    )


def _arena_bytes(header: bytes) -> int:
    line = next(line for line in header.splitlines() if b"_ARENA_BYTES " in line)
    return int(line.rsplit(maxsplit=1)[1])
