"""The writing of an artifact folder: model, artifacts, reference and manifest, all at once."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import UNSET

from ..proof.inspect.structure import Structure
from ..runtime.artifact.folder import commit, recover
from ..runtime.artifact.manifest import (
    MANIFEST_NAME,
    REFERENCE_NAME,
    SCHEMA_VERSION,
    ArtifactRecord,
    DataRecord,
    Manifest,
    ModelRecord,
    ReferenceRecord,
    read_manifest,
    write_manifest,
)
from ..runtime.errors import IntegrityError, ManifestError, OptionError
from ..runtime.files import leads_out, sha256_of
from ..runtime.signature import ModelSignature


@dataclass(frozen=True, slots=True)
class Origin:
    """What the artifacts of a folder are made of.

    Attributes:
        path: The model's file, wherever it lies.
        model: The record of its copy in the folder.
        dataset: The sha256 of each part of the data set; empty for a TFLite file of anyone's.
        tools: The versions of everything that has a part in an artifact's bytes.
        signature: Of the model; None for a TFLite file of anyone's.
        data: Where the data set was; None for a TFLite file of anyone's.
    """

    path: Path
    model: ModelRecord
    dataset: dict[str, str]
    tools: dict[str, str]
    signature: ModelSignature | None = None
    data: DataRecord | None = None


def describe(
    path: Path, structure: Structure, *, kind: str, companions: Iterable[Path] = (), **proof: Any
) -> ArtifactRecord:
    """Return the record of an artifact of the file format `kind`.

    `proof` has the record's other attributes; input and output are the structure's unless they are given.
    """
    ends = {"input": structure.inputs[0], "output": structure.outputs[0]}
    return ArtifactRecord(
        file=path.name,
        format=kind,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        operators=structure.operator_names,
        versions=structure.versions,
        oldest_runtime=structure.oldest_runtime,
        companions={companion.name: sha256_of(companion) for companion in companions},
        companion_bytes={companion.name: companion.stat().st_size for companion in companions},
        **{**ends, **proof},
    )


def check_target(folder: Path, origin: Origin, *, overwrite: bool) -> None:
    """Check that publishing to `folder` would not replace files that cannot be part of the same set.

    Raises:
        OptionError: It holds artifacts of another model, data set or tool version, or another model's file.
        ManifestError: Its manifest is damaged or of an unknown version.
        OutputError: An interrupted export there cannot be finished.
    """
    recover(folder)
    previous = read_manifest(folder) if (folder / MANIFEST_NAME).exists() and not overwrite else None
    if overwrite or (previous and _is_trained_again(folder / previous.model.file, previous, origin)):
        return
    beside = folder / origin.model.file
    if beside.exists() and sha256_of(beside) != origin.model.sha256:
        raise _refusal(folder, "another model", f"{origin.path} with sha256 {origin.model.sha256[:12]}…")
    if previous is None:
        return
    checks: list[tuple[str, object, object]] = [
        ("another model", origin.model.sha256, previous.model.sha256),
        ("another data set", origin.dataset, previous.dataset),
    ]
    if origin.dataset:  # of a TFLite file all is made at once, so that nothing of older tools stays
        checks.append(("other tool versions", origin.tools, previous.tools))
    for kind, found, expected in checks:
        if found != expected:
            raise _refusal(folder, kind, _difference(found, expected))


def publish(
    staged: Path,
    folder: Path,
    origin: Origin,
    reference: dict[str, Any],
    records: tuple[ArtifactRecord, ...],
) -> None:
    """Make the artifacts in `staged`, and those that the folder already has of the same model, its set.

    `reference` has the model's outputs on the test set, by the names they are stored under.

    Raises:
        IntegrityError: The model was trained again or replaced while it was exported.
        OutputError: The folder cannot be written.
    """
    model = staged / origin.model.file
    if not model.exists():
        shutil.copyfile(origin.path, model)
    np.savez_compressed(staged / REFERENCE_NAME, **reference)

    def record() -> None:  # the set that is there now, not the one from before the conversions
        if {sha256_of(path) for path in (origin.path, model)} != {origin.model.sha256}:
            raise IntegrityError(
                f"{origin.path} was trained again or replaced while it was exported",
                fix="Nothing was written; export it again.",
            )
        artifacts = (*_kept(folder, origin, {record.file for record in records}), *records)
        manifest = Manifest(
            model=origin.model,
            dataset=origin.dataset,
            reference=ReferenceRecord(REFERENCE_NAME, sha256_of(staged / REFERENCE_NAME)),
            tools=origin.tools,
            artifacts=tuple(sorted(artifacts, key=lambda record: record.file)),
            schema_version=SCHEMA_VERSION,
            data=origin.data or UNSET,
            signature=origin.signature or UNSET,
        )
        write_manifest(staged, manifest)

    commit(staged, folder, prepare=record)


def _is_trained_again(own: Path, previous: Manifest, origin: Origin) -> bool:
    """Whether the model is the folder's own, and another one now than its artifacts were made of."""
    return previous.model.sha256 != origin.model.sha256 and own.exists() and own.samefile(origin.path)


def _kept(folder: Path, origin: Origin, new_files: set[str]) -> list[ArtifactRecord]:
    """Return the records that stay: of the same model, data set and tools, and not made anew."""
    try:
        previous = read_manifest(folder)
    except ManifestError:
        return []
    made_of = (previous.model.sha256, previous.dataset, previous.tools)
    if made_of != (origin.model.sha256, origin.dataset, origin.tools):
        return []
    return [
        record
        for record in previous.artifacts
        if record.file not in new_files
        and (path := folder / record.file).is_file()
        and not leads_out(path, folder)
    ]


def _refusal(folder: Path, kind: str, received: object) -> OptionError:
    return OptionError(
        f"{folder} holds artifacts of {kind}",
        received=received,
        fix="Replace them with --overwrite, or choose another folder with --artifacts.",
    )


def _difference(found: object, expected: object) -> str:
    if isinstance(found, dict) and isinstance(expected, dict):
        changed = [key for key in {**expected, **found} if found.get(key) != expected.get(key)]
        return ", ".join(f"{key} {found.get(key)} instead of {expected.get(key)}" for key in changed)
    return f"sha256 {str(found)[:12]}… instead of {str(expected)[:12]}…"
