"""C of a TFLite file of anyone's: made, proven, and put into a folder with its record."""

import hashlib
from collections.abc import Callable
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
from .codegen.exactness import prove_exact
from .codegen.importing import read_graph
from .codegen.normalize import normalize
from .codegen.regenerate import require_harmless
from .publish import Origin, check_target, describe, publish

_TOOLS = ("edgemnist", "ai-edge-litert", "numpy")
_REFERENCE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Made:
    """The record of the C that was made, what was compared, and the memory between its layers."""

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
        compile_library: Put a shared library for this machine beside it.
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
    report("generating C")
    generated = make_c(content, name, match=match)
    with staging(folder) as staged:
        source = generated.write(staged)
        companions = [source.with_name(source.stem + ending) for ending in generated.files if ending != ".c"]
        built = None
        if compile_library:
            report("compiling")
            built = source.with_suffix(LIBRARY_SUFFIX)
            built.write_bytes(compiled(source.stem, generated.files))
            companions.append(built)
        exactness, expected = prove_exact(source, content, match, images, built=built, report=report)
        facts: dict[str, Any] = {"precision": "int8", "labels": ()}
        facts |= {"calibration": None, "parity": None, "tolerances": None}
        record = describe(
            source, generated.structure, kind="c", companions=companions, exactness=exactness, **facts
        )
        original = describe(staged / model.file, structure, kind="tflite", **facts)
        publish(staged, folder, origin, _stored(expected), (record, original))
    return Made(record, exactness, _arena_bytes(generated.files[".h"]))


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
