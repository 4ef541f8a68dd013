"""`edgemnist inspect`: the inputs, outputs and content of a model file."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import literal, print_json, print_result
from ..options import Json

EXAMPLES = """
**Examples**

- `edgemnist inspect artifacts/mnist.int8.tflite`
- `edgemnist inspect artifacts/mnist.int8.tflite --arena`
- `edgemnist inspect artifacts/mnist.int8.onnx --json`
"""


def inspect(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .tflite, .onnx, .ort, .keras, .h5 or exported .c file.")
    ],
    arena: Annotated[
        bool,
        typer.Option(
            "--arena", help="Measure the memory that TensorFlow Lite Micro needs beside a .tflite's weights."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Draw a model as text: operators, shapes, types, scales, sizes, versions and metadata.

    Without `--arena` the file is read and not run. Any model of these formats will do; it need not come from
    edgemnist. Of a C file only what its comment claims is shown: `edgemnist verify` proves it.
    """
    import hashlib

    import msgspec

    from ...proof.inspect.structure import probe_structure, require_readable
    from ...runtime.isolation.probe import Probe
    from ...runtime.model_file import read_model
    from ..model_drawing import draw, metadata_lines

    if file.suffix == ".c":
        _show_c(file, json)
        return
    if file.suffix in (".keras", ".h5", ".hdf5"):
        from ...export import backend  # noqa: F401 - starts TensorFlow without its log
    require_readable(file)
    content = read_model(file)
    structure = probe_structure(file, content, Probe())
    size_bytes, sha256 = len(content), hashlib.sha256(content).hexdigest()
    arena_bytes = _arena_bytes(file.name, content) if arena else None
    if json:
        facts = {"file": file.name, "size_bytes": size_bytes, "sha256": sha256}
        print_json({**facts, "arena_bytes": arena_bytes, **msgspec.to_builtins(structure)})
        return
    versions = ", ".join(f"{name} {number}" for name, number in structure.versions.items())
    lines = [
        f"{file.name}: {size_bytes:,} bytes{f', {versions}' if versions else ''}",
        f"sha256 {sha256}",
        f"oldest runtime: {structure.oldest_runtime}",
        *([f"TensorFlow Lite Micro: an arena of {arena_bytes:,} bytes"] if arena_bytes else []),
        "",
        *draw(structure),
        "",
        *metadata_lines(structure),
    ]
    for line in lines:
        print_result(literal(line))


def _show_c(file: Path, json: bool) -> None:
    """Show what a C file claims in its comment: only generating it again proves what it computes."""
    from dataclasses import asdict

    from ...proof.generated_c import read_claims
    from ...runtime.errors import ArtifactError, ArtifactNotFoundError
    from ...runtime.files import sha256_of

    if not file.is_file():
        raise ArtifactNotFoundError(f"no such file: {file}")
    try:
        claims = read_claims(file.read_bytes())
    except ArtifactError as error:
        raise ArtifactError(f"{file.name}: {error}") from error
    size_bytes, sha256 = file.stat().st_size, sha256_of(file)
    if json:
        print_json({"file": file.name, "size_bytes": size_bytes, "sha256": sha256, "claims": asdict(claims)})
        return
    for line in (
        f"{file.name}: {size_bytes:,} bytes of generated C",
        f"sha256 {sha256}",
        "",
        "Its own comment claims, which proves nothing:",
        f"  written by edgemnist {claims.version or 'of an unknown version'}",
        f"  to match {claims.match or 'an unknown runtime'}",
        f"  made of {claims.made_of or 'an unknown file'}, sha256 {claims.made_of_sha256 or 'unknown'}",
        "",
        f"edgemnist verify {file.parent}  generates it again from the TFLite file, and compares every byte",
        f"edgemnist inspect {file.with_suffix('.tflite')}  shows the operators and tensors it is made of",
    ):
        print_result(literal(line))


def _arena_bytes(name: str, content: bytes) -> int:
    from ...proof.quiet import quiet
    from ...runtime.engines.registry import ENGINES
    from ...runtime.errors import MissingExtraError

    if not ENGINES["tflite_micro"].available:
        raise MissingExtraError("tflite_micro", "micro", "measuring the arena")
    from ...runtime.engines.tflite_micro import smallest_arena_bytes

    with quiet():  # it reports every arena that is too small
        return smallest_arena_bytes(name, content)
