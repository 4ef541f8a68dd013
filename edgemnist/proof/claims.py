"""What a manifest says of an artifact, held against what was found in its file."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import UNSET

from ..runtime.artifact.manifest import ArtifactRecord, ExactnessRecord, Manifest
from ..runtime.predictor import Predictor
from .artifact import Proof
from .formats import SOURCE
from .inspect.structure import Structure

# Recorded and measured metrics may differ by what another CPU's rounding does to a few near ties.
_SHARE_TOLERANCE = 0.0005


def is_of_keras(manifest: Manifest) -> bool:
    """Whether a set was made of a Keras model here, so that its files have the artifact contract."""
    return manifest.model.file.endswith(f".{SOURCE.format}")


def false_claims(record: ArtifactRecord, manifest: Manifest, proof: Proof, path: Path) -> Iterator[str]:
    """Yield a sentence for each value in an artifact's record that is not what was found."""
    if proof.structure is None or proof.predictor is None or proof.parity is None:
        return
    yield from false_structure(record, path, proof.structure, proof.predictor)
    if proof.metadata is not None and is_of_keras(manifest):
        yield from _differences(
            ("labels", record.labels, proof.metadata.labels),
            ("signature", record.signature or None, proof.metadata.signature),
            ("model name", manifest.model.name, proof.metadata.model),
            ("source sha256", manifest.model.sha256, proof.metadata.source_sha256),
            ("tools", manifest.tools, proof.metadata.tools),
        )
    if record.parity is None:
        return
    images = proof.parity.images
    for name in ("accuracy", "agreement"):
        said, found = getattr(record.parity, name), getattr(proof.parity, name)
        if said is None or found is None:
            if said != found:
                yield f"the manifest says {name} {said}, measured {found}"
        elif abs(round(said * images) - round(found * images)) / images > _SHARE_TOLERANCE:
            yield f"the manifest says {name} {said:.2%}, measured {found:.2%}"


def false_structure(
    record: ArtifactRecord, path: Path, structure: Structure, predictor: Predictor | None = None
) -> tuple[str, ...]:
    """Return a sentence for each value in a record that is not what the file or its predictor has."""
    sizes = {name: path.with_name(name).stat().st_size for name in record.companion_bytes}
    return tuple(
        _differences(
            ("size", record.size_bytes, path.stat().st_size),
            *((f"size of {name}", record.companion_bytes[name], found) for name, found in sizes.items()),
            ("input", record.input, predictor.input if predictor else structure.inputs[0]),
            ("output", record.output, predictor.output if predictor else structure.outputs[0]),
            ("operators", record.operators, structure.operator_names),
            ("versions", record.versions, structure.versions),
            ("oldest runtime", record.oldest_runtime, structure.oldest_runtime),
        )
    )


def false_exactness(record: ArtifactRecord, exactness: ExactnessRecord) -> Iterator[str]:
    """Yield a sentence if a record claims the bytes of another runtime than was found."""
    if record.exactness is UNSET or record.exactness.runtime != exactness.runtime:
        said = "no exactness" if record.exactness is UNSET else f"the bytes of {record.exactness.runtime}"
        yield f"the manifest says {said}, found those of {exactness.runtime}"


def _differences(*claims: tuple[str, object, object]) -> Iterator[str]:
    for name, said, found in claims:
        if said != found:
            yield f"the manifest says {name} {said}, the file {found}"
