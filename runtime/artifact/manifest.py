"""The manifest: the one record of an artifact folder that a predictor and a reviewer need."""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ManifestError
from ..files import sha256_of, write_text
from ..reading import read_json
from ..tensors import TensorSpec
from .expected_hash import MANIFEST, MANIFEST_NAME, SCHEMA_VERSION

__all__ = [
    "MANIFEST_NAME",
    "REFERENCE_NAME",
    "SCHEMA_VERSION",
    "ArtifactRecord",
    "Manifest",
    "find_record",
    "newer_model",
    "read_manifest",
    "write_manifest",
]

REFERENCE_NAME = "reference.npz"


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """What is on record for one artifact.

    Attributes:
        file: Its name in the manifest's folder.
        format: Its file format, such as "tflite".
        precision: Its precision, such as "int8".
        sha256: Of the file, 64 hexadecimal digits.
        size_bytes: Of the file.
        input: What it takes.
        output: What it gives.
        labels: The class names, in the order of the outputs; none for a model whose classes nobody named.
        operators: The names of the operators it needs, each once.
        versions: The versions of its format, such as opset and IR version.
        oldest_runtime: The oldest runtime release that loads it.
        calibration: How it was calibrated, if it was.
        parity: How its answers compare with the source model's, on the whole test set; None for a model
            without a test set.
        gates: The limits that this comparison kept.
        companions: The files that belong to it, and their sha256.
        companion_bytes: The sizes of these files.
        exactness: For C of a TFLite file of anyone's: on which inputs its bytes are those of which runtime.
    """

    file: str
    format: str
    precision: str
    sha256: str
    size_bytes: int
    input: TensorSpec
    output: TensorSpec
    labels: tuple[str, ...]
    operators: tuple[str, ...]
    versions: dict[str, int]
    oldest_runtime: str
    calibration: dict[str, Any] | None
    parity: dict[str, Any] | None
    gates: dict[str, float | None] | None
    companions: dict[str, str] = field(default_factory=dict)
    companion_bytes: dict[str, int] = field(default_factory=dict)
    exactness: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The record of an artifact folder.

    Attributes:
        model: The source model: its name, file and sha256.
        dataset: The sha256 of each part of the data set, as unpacked IDX files; empty if there is none.
        reference: The file of the source model's answers on the test set, and its sha256.
        tools: The versions of what made the artifacts.
        artifacts: The artifacts, one record each.
        schema_version: The version of this record's own format.
    """

    model: dict[str, str]
    dataset: dict[str, str]
    reference: dict[str, str]
    tools: dict[str, str]
    artifacts: tuple[ArtifactRecord, ...] = field(default_factory=tuple)
    schema_version: int = SCHEMA_VERSION

    @property
    def files(self) -> dict[str, str]:
        """The sha256 of each file of the set but the manifest itself, by its name."""
        files = {self.model["file"]: self.model["sha256"], self.reference["file"]: self.reference["sha256"]}
        for record in self.artifacts:
            files |= {record.file: record.sha256, **record.companions}
        return files


def read_manifest(folder: Path) -> Manifest:
    """Read and check a folder's manifest.

    Raises:
        ManifestError: It is missing, not JSON, not as the schema says, or written by a newer version.
    """
    path = folder / MANIFEST_NAME
    try:
        document = read_json(path, inside=folder)
    except FileNotFoundError as error:
        raise ManifestError(
            f"no {MANIFEST_NAME} in {folder}",
            fix="`edgemnist export --int8` makes the artifacts and their manifest.",
        ) from error
    except (ValueError, OSError) as error:
        raise ManifestError(f"{path} cannot be read as JSON", received=error) from error
    MANIFEST.check(document, path)
    _require_each_file_once(document, path)
    records = tuple(
        ArtifactRecord(
            **{
                **record,
                "input": _tensor(record["input"]),
                "output": _tensor(record["output"]),
                "labels": tuple(record["labels"]),
                "operators": tuple(record["operators"]),
            }
        )
        for record in document.pop("artifacts")
    )
    return Manifest(**document, artifacts=records)


def _require_each_file_once(document: dict[str, Any], path: Path) -> None:
    """Check that no file is recorded twice, since only one of the records could be right."""
    names = [MANIFEST_NAME, document["reference"]["file"]]
    for record in document["artifacts"]:
        names += [record["file"], *record["companions"]]
    if document["model"]["file"] not in {record["file"] for record in document["artifacts"]}:
        names.append(document["model"]["file"])
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ManifestError(
            f"{path} records a file more than once",
            received=", ".join(twice),
            fix="Export the artifacts again.",
        )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Check a manifest and write it to its folder.

    Raises:
        ManifestError: It is not as the schema says.
        OutputError: It cannot be written.
    """
    document = asdict(manifest)
    for record in document["artifacts"]:
        if record["exactness"] is None:
            del record["exactness"]
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    MANIFEST.check(json.loads(text), folder / MANIFEST_NAME)
    write_text(folder / MANIFEST_NAME, text)


def newer_model(folder: Path) -> str:
    """Return a sentence where a folder's model is another one than its artifacts were made of, else "".

    Raises:
        ManifestError: The manifest is damaged or written by a newer version.
    """
    if not (folder / MANIFEST_NAME).exists():
        return ""
    manifest = read_manifest(folder)
    path = folder / manifest.model["file"]
    if not path.is_file():
        return ""
    found, recorded = sha256_of(path), manifest.model["sha256"]
    if found == recorded:
        return ""
    formats = [f"--format {record.precision}.{record.format}" for record in manifest.artifacts]
    made = " ".join(name for name in formats if not name.endswith(path.suffix))
    return (
        f"{path.name} is not the model that the artifacts were made of: it has sha256 {found[:12]}…,"
        f" the manifest says {recorded[:12]}…. If it was trained again since, renew them:"
        f" edgemnist export --artifacts {folder} {made}".rstrip()
    )


def find_record(path: Path) -> ArtifactRecord | None:
    """Return the record of an artifact in the manifest beside it, or None if there is none.

    Raises:
        ManifestError: The manifest beside it is damaged or written by a newer version.
    """
    if not os.path.lexists(path.with_name(MANIFEST_NAME)):
        return None
    records = read_manifest(path.parent).artifacts
    return next((record for record in records if record.file == path.name), None)


def _tensor(document: dict[str, Any]) -> TensorSpec:
    return TensorSpec(**{**document, "shape": tuple(document["shape"])})
