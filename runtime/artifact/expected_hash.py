"""What the manifest beside a model file says of it, as far as a predictor needs that.

`read_manifest` checks the whole record against its schema. A predictor starts anew in every process, where
that would add a third to the time in which ONNX Runtime starts, so here only what is used is checked.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ManifestError
from ..reading import read_json
from .documents import DocumentKind

MANIFEST_NAME = "manifest.json"
SCHEMA_VERSION = 1
MANIFEST = DocumentKind(
    "a manifest",
    SCHEMA_VERSION,
    __package__,
    "manifest.schema.json",
    ManifestError,
    "Export the artifacts again.",
)
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ExpectedHash:
    """What is on record for a model file.

    Attributes:
        sha256: Of the file, 64 hexadecimal digits.
        labels: The class names, in the order of the outputs; none where nobody named them.
    """

    sha256: str
    labels: tuple[str, ...]


def find_expected_hash(path: Path) -> ExpectedHash | None:
    """Return what the manifest beside a model file records for it, or None if there is no such record.

    Raises:
        ManifestError: The manifest cannot be read, is of a newer version, or what it says of the file is
            damaged.
    """
    manifest = path.with_name(MANIFEST_NAME)
    try:
        document = read_json(manifest, inside=manifest.parent)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise ManifestError(f"{manifest} cannot be read as JSON", received=error) from error
    MANIFEST.check_version(document, manifest)
    try:
        found = [
            (sha256, record.get("labels"))
            for record in document["artifacts"]
            for file, sha256 in _files(record)
            if file == path.name
        ]
    except (TypeError, KeyError, AttributeError) as error:
        raise _damaged(manifest, error) from error
    return _voucher(*found[0], manifest) if found else None


def _files(record: Any) -> Iterable[tuple[str, Any]]:
    """Return an artifact's file and its companions, each with its sha256."""
    return {record["file"]: record.get("sha256"), **record.get("companions", {})}.items()


def _voucher(sha256: Any, labels: Any, manifest: Path) -> ExpectedHash:
    texts = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256) and texts):
        raise _damaged(manifest, f"sha256 {sha256!r}, labels {labels!r}")
    return ExpectedHash(sha256, tuple(labels))


def _damaged(manifest: Path, received: object) -> ManifestError:
    return ManifestError(
        f"{manifest} is not a manifest", received=received, fix="Export the artifacts again."
    )
