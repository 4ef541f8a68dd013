"""`edgemnist inspect`: the inputs, outputs and content of a model file."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
from typer import Argument, Option

from ...proof.generated_c import read_claims
from ...proof.inspect.structure import GraphTensor, Operator, Structure, probe_structure, require_readable
from ...runtime.artifact.metadata import read_metadata
from ...runtime.assumed_signature import assumed_signature
from ...runtime.engines.registry import ENGINES
from ...runtime.errors import ArtifactError, ArtifactNotFoundError, MissingExtraError
from ...runtime.files import read_model, sha256_of
from ...runtime.isolation.probe import Probe
from ...runtime.process import quiet
from ...runtime.signature import ModelSignature
from ...runtime.tensors import TensorSpec
from ..console import literal, messages, print_json, print_result
from ..options import Json

EXAMPLES = """
**Examples**

- `edgemnist inspect artifacts/mnist.int8.tflite`
- `edgemnist inspect artifacts/mnist.int8.tflite --arena`
- `edgemnist inspect artifacts/mnist.int8.onnx --json`
"""
_FILE_HELP = "A .tflite, .onnx, .ort, .keras, .h5 or exported .c file."
_ARENA_HELP = "Measure the memory that TensorFlow Lite Micro needs beside a .tflite's weights."
_TEXT_LIMIT = 200
_SHOWN_LABELS, _SHOWN_NUMBERS = 12, 4


def inspect(
    file: Annotated[Path, Argument(metavar="FILE", help=_FILE_HELP)],
    arena: Annotated[bool, Option("--arena", help=_ARENA_HELP)] = False,
    json: Json = False,
) -> None:
    """Draw a model as text: operators, shapes, types, scales, sizes, versions and metadata.

    Without `--arena` the file is read and not run. Any model of these formats will do; it need not come from
    edgemnist. Of a C file only what its comment claims is shown: `edgemnist verify` proves it.
    """
    with messages.status(f"reading {literal(file.name)}"):
        facts, lines = _claims(file) if file.suffix == ".c" else _content(file, arena)
    if json:
        print_json(facts)
        return
    for line in lines:
        print_result(literal(line))


def _content(file: Path, arena: bool) -> tuple[dict[str, object], list[str]]:
    if file.suffix in (".keras", ".h5", ".hdf5"):
        from ...export import backend  # noqa: F401 - starts TensorFlow without its log
    require_readable(file)
    content = read_model(file)
    structure = probe_structure(file, content, Probe())
    size_bytes, sha256 = len(content), hashlib.sha256(content).hexdigest()
    arena_bytes = _arena_bytes(file.name, content) if arena else None
    signature, origin = _signature(file, structure)
    facts = {"file": file.name, "size_bytes": size_bytes, "sha256": sha256, "arena_bytes": arena_bytes}
    versions = "".join(f", {name} {number}" for name, number in structure.versions.items())
    facts["signature"] = signature and msgspec.to_builtins(signature)
    return facts | msgspec.to_builtins(structure), [
        f"{file.name}: {size_bytes:,} bytes{versions}",
        f"sha256 {sha256}",
        f"oldest runtime: {structure.oldest_runtime}",
        *([f"TensorFlow Lite Micro: an arena of {arena_bytes:,} bytes"] if arena_bytes else []),
        f"signature{origin}:{'' if signature else ' none'}",
        *(_signature_lines(signature) if signature else ()),
        "",
        *_drawing(structure),
        "",
        *_metadata_lines(structure),
    ]


def _signature(file: Path, structure: Structure) -> tuple[ModelSignature | None, str]:
    """Return what a predictor takes the file's numbers for, and where that is from, for people."""
    try:
        metadata = read_metadata(structure.metadata)
    except ArtifactError as error:
        return None, f", {error}"
    if metadata is not None and metadata.signature is not None:
        return metadata.signature, ""
    if file.suffix == ".keras":
        return None, " in the file"  # what its input was scaled with is known to who trained it
    if len(structure.inputs) == len(structure.outputs) == 1:
        with suppress(ArtifactError):
            assumed = assumed_signature(file.name, structure.inputs[0], structure.outputs[0])
            return assumed, " (assumed, since there is none in the file)"
    return None, " in the file"


def _signature_lines(signature: ModelSignature) -> Iterator[str]:
    taken, given = signature.input, signature.output
    yield f"  input {taken.name}: {taken.raw_dtype} {taken.shape}{', light ink on dark' if taken.ink else ''}"
    if taken.is_scaled:
        yield f"    the model receives raw * {_numbers(taken.scale)} + {_numbers(taken.offset)}"
    if given.kind == "values":
        yield f"  output {given.name}: float32 {given.shape}"
        return
    names = ", ".join(given.labels[:_SHOWN_LABELS]) + (", ..." if given.classes > _SHOWN_LABELS else "")
    yield f"  output {given.name}: {given.classes} classes by {given.activation}: {names}"


def _numbers(numbers: tuple[float, ...]) -> str:
    if len(numbers) > _SHOWN_NUMBERS:
        return f"({len(numbers)} numbers, {min(numbers):.6g} to {max(numbers):.6g})"
    text = ", ".join(f"{number:.6g}" for number in numbers)
    return text if len(numbers) == 1 else f"({text})"


def _claims(file: Path) -> tuple[dict[str, object], list[str]]:
    """Return what a C file claims in its comment: only generating it again proves what it computes."""
    if not file.is_file():
        raise ArtifactNotFoundError(f"no such file: {file}")
    try:
        claims = read_claims(file.read_bytes())
    except ArtifactError as error:
        raise ArtifactError(f"{file.name}: {error}") from error
    size_bytes, sha256 = file.stat().st_size, sha256_of(file)
    facts = {"file": file.name, "size_bytes": size_bytes, "sha256": sha256, "claims": asdict(claims)}
    return facts, [
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
    ]


def _arena_bytes(name: str, content: bytes) -> int:
    if not ENGINES["tflite_micro"].available:
        raise MissingExtraError("tflite_micro", "micro", "measuring the arena")
    from ...runtime.engines.tflite_micro import smallest_arena_bytes

    with quiet():  # it reports every arena that is too small
        return smallest_arena_bytes(name, content)


def _drawing(structure: Structure) -> Iterator[str]:
    """Yield the lines of the drawing, from the input down to the output."""
    tensors = {tensor.name: tensor for tensor in structure.tensors}
    for spec in structure.inputs:
        yield f"input {spec.name}: {_spec(spec)}"
    above = {spec.name for spec in structure.inputs}
    for operator in structure.operators:
        yield "  │"
        yield from _operator(operator, tensors, above)
        above = set(operator.outputs)
    yield "  │"
    for spec in structure.outputs:
        yield f"output {spec.name}: {_spec(spec)}"
    stored = [tensor for tensor in structure.tensors if tensor.size_bytes]
    yield ""
    yield f"stored: {sum(tensor.size_bytes for tensor in stored):,} bytes in {len(stored)} tensors"
    yield f"operators: {', '.join(structure.operator_names)}"


def _metadata_lines(structure: Structure) -> Iterator[str]:
    """Yield a line for each text in the file, long ones cut."""
    width = max(map(len, structure.metadata), default=0)
    for key, text in structure.metadata.items():
        shown = text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}… ({len(text):,} characters)"
        yield f"{key.ljust(width)}  {shown if shown.isprintable() else repr(shown)}"


def _operator(operator: Operator, tensors: dict[str, GraphTensor], above: set[str]) -> Iterator[str]:
    found = [tensors[name] for name in operator.outputs if name in tensors]
    outputs = "; ".join(_tensor(tensor) for tensor in found)
    custom = "" if operator.builtin else " (not built in)"
    yield f"{operator.name}{custom}{' -> ' + outputs if outputs else ''}"
    for name in operator.inputs:
        tensor = tensors.get(name)
        if tensor is not None and tensor.size_bytes:
            yield f"  │   {_tensor(tensor)}, {tensor.size_bytes:,} bytes  {name}"
        elif name not in above:
            yield f"  │   from {name}"


def _spec(spec: TensorSpec) -> str:
    scales = (spec.scale,) if spec.quantized else ()
    return _tensor(GraphTensor(spec.name, spec.dtype, spec.shape, 0, scales, (spec.zero_point,)))


def _tensor(tensor: GraphTensor) -> str:
    axes = ", ".join("batch" if size is None else str(size) for size in tensor.shape)
    scales = tensor.scales
    shown = f"{len(scales)} scales {min(scales):.3g} to {max(scales):.3g}" if scales else ""
    if len(scales) == 1:
        shown = f"scale {scales[0]:.6g}, zero point {tensor.zero_points[0]}"
    return f"{tensor.dtype} [{axes}]{', ' if shown else ''}{shown}"
