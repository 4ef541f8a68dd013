"""What the manifest beside a file says of it, if there is one."""

import os
from pathlib import Path

from msgspec import Struct, UnsetType

from ..files import sha256_of
from ..signature import ModelSignature
from .manifest import MANIFEST_NAME, ArtifactRecord, read_manifest


class ExpectedHash(Struct, frozen=True):
    """What a predictor needs of a file's record: its sha256, its class names, its signature if it has one."""

    sha256: str
    labels: tuple[str, ...]
    signature: ModelSignature | None


def find_expected_hash(path: Path) -> ExpectedHash | None:
    """Return what the manifest beside an artifact or its companion records for it; None if nothing."""
    for record in _records_beside(path):
        sha256 = {record.file: record.sha256, **record.companions}.get(path.name)
        if sha256 is not None:
            signature = None if isinstance(record.signature, UnsetType) else record.signature
            return ExpectedHash(sha256, record.labels, signature)
    return None


def find_record(path: Path) -> ArtifactRecord | None:
    """Return the record of an artifact in the manifest beside it, or None if there is none."""
    return next((record for record in _records_beside(path) if record.file == path.name), None)


def _records_beside(path: Path) -> tuple[ArtifactRecord, ...]:
    found = os.path.lexists(path.with_name(MANIFEST_NAME))
    return read_manifest(path.parent).artifacts if found else ()


def newer_model(folder: Path) -> str:
    """Return a sentence where a folder's model is another one than its artifacts were made of, else ""."""
    if not (folder / MANIFEST_NAME).exists():
        return ""
    manifest = read_manifest(folder)
    path, recorded = folder / manifest.model.file, manifest.model.sha256
    found = sha256_of(path) if path.is_file() else recorded
    if found == recorded:
        return ""
    formats = [f"--format {record.precision}.{record.format}" for record in manifest.artifacts]
    made = " ".join(name for name in formats if not name.endswith(path.suffix))
    return (
        f"{path.name} is not the model that the artifacts were made of: it has sha256 {found[:12]}…,"
        f" the manifest says {recorded[:12]}…. If it was trained again since, renew them:"
        f" edgemnist export --artifacts {folder} {made}".rstrip()
    )
