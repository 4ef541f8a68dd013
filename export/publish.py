"""The writing of an artifact folder: model, artifacts, reference and manifest, all at once."""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Dataset
from ..runtime.artifact.folder import commit, recover
from ..runtime.artifact.manifest import (
    MANIFEST_NAME,
    REFERENCE_NAME,
    SCHEMA_VERSION,
    ArtifactRecord,
    Manifest,
    ModelRecord,
    ReferenceRecord,
    read_manifest,
    write_manifest,
)
from ..runtime.errors import IntegrityError, ManifestError, OptionError
from ..runtime.files import leads_out, sha256_of
from .convert.source import Source, tool_versions


def check_target(folder: Path, source: Source, dataset: Dataset, *, overwrite: bool) -> None:
    """Check that publishing to `folder` would not replace files that cannot be part of the same set.

    Raises:
        OptionError: It holds artifacts of another model, data set or tool version, or another model's file.
        ManifestError: Its manifest is damaged or of an unknown version.
        OutputError: An interrupted export there cannot be finished.
    """
    recover(folder)
    if overwrite or _is_trained_again(folder, source):
        return
    beside = folder / source.path.name
    if beside.exists() and sha256_of(beside) != source.sha256:
        raise _refusal(folder, "another model", f"{source.path} with sha256 {source.sha256[:12]}…")
    if not (folder / MANIFEST_NAME).exists():
        return
    previous = read_manifest(folder)
    for kind, found, expected in (
        ("another model", source.sha256, previous.model.sha256),
        ("another data set", dataset.sha256, previous.dataset),
        ("other tool versions", tool_versions(), previous.tools),
    ):
        if found != expected:
            raise _refusal(folder, kind, _difference(found, expected))


def publish(
    staged: Path,
    folder: Path,
    source: Source,
    dataset: Dataset,
    reference: NDArray[np.float32],
    records: tuple[ArtifactRecord, ...],
) -> None:
    """Make the artifacts in `staged`, and those that the folder already has of the same model, its set.

    Raises:
        IntegrityError: The model was trained again or replaced while it was exported.
        OutputError: The folder cannot be written.
    """
    if not (staged / source.path.name).exists():
        shutil.copyfile(source.path, staged / source.path.name)
    np.savez_compressed(staged / REFERENCE_NAME, probabilities=reference)

    def record() -> None:  # the set that is there now, not the one from before the conversions
        if {sha256_of(path) for path in (source.path, staged / source.path.name)} != {source.sha256}:
            raise IntegrityError(
                f"{source.path} was trained again or replaced while it was exported",
                fix="Nothing was written; export it again.",
            )
        manifest = Manifest(
            model=ModelRecord(source.name, source.path.name, source.sha256),
            dataset=dataset.sha256,
            reference=ReferenceRecord(REFERENCE_NAME, sha256_of(staged / REFERENCE_NAME)),
            tools=tool_versions(),
            artifacts=tuple(
                sorted((*_kept(folder, source, dataset, records), *records), key=lambda r: r.file)
            ),
            schema_version=SCHEMA_VERSION,
        )
        write_manifest(staged, manifest)

    commit(staged, folder, prepare=record)


def _is_trained_again(folder: Path, source: Source) -> bool:
    """Whether the model is the folder's own, and another one now than its artifacts were made of."""
    if not (folder / MANIFEST_NAME).exists():
        return False
    model = read_manifest(folder).model
    own = folder / model.file
    return model.sha256 != source.sha256 and own.exists() and own.samefile(source.path)


def _kept(
    folder: Path, source: Source, dataset: Dataset, records: tuple[ArtifactRecord, ...]
) -> list[ArtifactRecord]:
    """Return the records that stay: of the same model, data set and tools, and not made anew."""
    try:
        previous = read_manifest(folder)
    except ManifestError:
        return []
    made_of = (previous.model.sha256, previous.dataset, previous.tools)
    if made_of != (source.sha256, dataset.sha256, tool_versions()):
        return []
    new_files = {record.file for record in records}
    return [
        record
        for record in previous.artifacts
        if record.file not in new_files and _is_inside(folder / record.file)
    ]


def _is_inside(path: Path) -> bool:
    return path.is_file() and not leads_out(path, path.parent)


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
