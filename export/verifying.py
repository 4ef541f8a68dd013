"""Verification: prove an artifact folder again, from its files alone. Needs no TensorFlow.

Nothing that the manifest claims is believed: hashes, structure and answers are found anew and compared with
it. The source model's answers come from `reference.npz`; where TensorFlow is installed, the source model
itself is asked too.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..benchmarks.datasets import Split
from ..benchmarks.parity import Parity
from ..benchmarks.reference import read_reference
from ..runtime.artifact_set import recover
from ..runtime.errors import ArtifactError, ArtifactNotFoundError, ManifestError, ProofError
from ..runtime.manifest import ArtifactRecord, Manifest, read_manifest
from ..runtime.probing import Probe
from ..runtime.reading import read_limited
from ..runtime.source import MAX_MODEL_BYTES
from .compiling import can_run
from .formats import FORMATS, SOURCE, Format
from .proving import Proof, prove

_STRANGERS = Probe(when="always")
# Recorded and found figures may differ by what another CPU's rounding does to a few near ties.
_SHARE_TOLERANCE = 0.0005


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one file.

    Attributes:
        file: Its name.
        failures: A sentence for each thing that does not hold; empty where the file is good.
        parity: How its answers compare with the source model's; None where they were not needed or not given.
        note: What was left out, and why; "" if nothing was.
    """

    file: str
    failures: tuple[str, ...]
    parity: Parity | None = None
    note: str = ""


def verify(
    folder: Path,
    test: Split,
    *,
    formats: Sequence[Format] = FORMATS,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Verdict, ...]:
    """Prove every file of an artifact folder again, after finishing an export that was interrupted there.

    Args:
        folder: The folder.
        test: The test images that the artifacts were proved on.
        formats: The formats that artifacts may have, with the limits to hold them to.
        report: Called with each artifact's name before its proof starts.

    Returns:
        One verdict for each artifact, for the reference, and for each file in the folder that looks like an
        artifact and is not on record.

    Raises:
        ArtifactNotFoundError: There is no such folder.
        ProofError: The manifest is missing or damaged, or was written for another test set.
        OutputError: An interrupted export cannot be finished.
    """
    if not folder.is_dir():
        raise ArtifactNotFoundError(f"no such folder: {folder}")
    recover(folder)
    try:
        manifest = read_manifest(folder)
    except ManifestError as error:
        raise ProofError(
            error.problem, received=error.received, expected=error.expected, fix=error.fix
        ) from error
    _check_test(manifest, test)
    try:
        reference = _read_reference(folder, manifest, test)
    except ProofError as error:
        return (Verdict(manifest.reference["file"], (str(error),)),)
    verdicts = [Verdict(manifest.reference["file"], ())]
    for record in manifest.artifacts:
        report(record.file)
        verdicts.append(_verify(folder, record, manifest, reference, test, formats))
    if manifest.model["file"] not in {record.file for record in manifest.artifacts}:
        failures = _wrong_hash(folder / manifest.model["file"], manifest.model["sha256"])
        verdicts.append(Verdict(manifest.model["file"], failures))
    return (*verdicts, *_unrecorded(folder, manifest))


def _check_test(manifest: Manifest, test: Split) -> None:
    found = {"test_images": test.images_sha256, "test_labels": test.labels_sha256}
    expected = {name: manifest.dataset[name] for name in found}
    if found != expected:
        raise ProofError(
            "the artifacts were proved on another test set",
            received=f"{test.source}, sha256 {found['test_images'][:12]}…",
            expected=f"images with sha256 {expected['test_images'][:12]}…",
            fix="Give the data set that they were exported with: --data PATH.",
        )


def _read_reference(folder: Path, manifest: Manifest, test: Split) -> NDArray[np.float32]:
    try:
        return read_reference(folder, manifest, len(test))
    except ArtifactError as error:
        raise ProofError(
            error.problem, received=error.received, expected=error.expected, fix=error.fix
        ) from error


def _verify(
    folder: Path,
    record: ArtifactRecord,
    manifest: Manifest,
    reference: NDArray[np.float32],
    test: Split,
    formats: Sequence[Format],
) -> Verdict:
    row = next(
        (row for row in formats if (row.format, row.precision) == (record.format, record.precision)), None
    )
    if row is None:
        return Verdict(record.file, (f"unknown format {record.precision}.{record.format}",))
    with _copied(folder, record) as (copy, damaged):
        if damaged:
            return Verdict(record.file, damaged)
        return _prove(copy, record, row, manifest, reference, test)


def _prove(
    path: Path,
    record: ArtifactRecord,
    row: Format,
    manifest: Manifest,
    reference: NDArray[np.float32],
    test: Split,
) -> Verdict:
    if path.suffix in row.engine.sources and not can_run(path):
        return Verdict(record.file, (), note="hash only, since no C compiler was found")
    if row.format == SOURCE.format:
        if not row.engine.available:
            return Verdict(record.file, (), note="hash only, since TensorFlow is not installed")
        from . import backend  # noqa: F401 - starts TensorFlow without its notes
    proof = prove(path, row, reference, test, probe=_STRANGERS)
    failures = (*proof.failures, *_wrong_record(record, manifest, proof, path))
    return Verdict(record.file, failures, proof.parity)


def _wrong_record(record: ArtifactRecord, manifest: Manifest, proof: Proof, path: Path) -> list[str]:
    """Return a sentence for each thing in which an artifact's record differs from what was found."""
    if proof.structure is None or proof.predictor is None or proof.parity is None:
        return []
    claims = [
        ("size", record.size_bytes, path.stat().st_size),
        *(
            (f"size of {name}", size, path.with_name(name).stat().st_size)
            for name, size in record.companion_bytes.items()
        ),
        ("input", record.input, proof.predictor.input),
        ("output", record.output, proof.predictor.output),
        ("operators", record.operators, proof.structure.operator_names),
        ("versions", record.versions, proof.structure.versions),
        ("oldest runtime", record.oldest_runtime, proof.structure.oldest_runtime),
    ]
    if proof.embedded is not None:
        claims += [
            ("labels", record.labels, proof.embedded.labels),
            ("model name", manifest.model["name"], proof.embedded.model),
            ("source sha256", manifest.model["sha256"], proof.embedded.source_sha256),
            ("tools", manifest.tools, proof.embedded.tools),
        ]
    wrong = [
        f"the manifest says {name} {said}, the file {found}" for name, said, found in claims if said != found
    ]
    for name in ("accuracy", "agreement"):
        said, found = record.parity[name], getattr(proof.parity, name)
        if abs(said - found) > _SHARE_TOLERANCE:
            wrong.append(f"the manifest says {name} {said:.2%}, measured {found:.2%}")
    return wrong


def _unrecorded(folder: Path, manifest: Manifest) -> list[Verdict]:
    suffixes = {suffix for row in FORMATS for suffix in (f".{row.format}", *row.engine.suffixes)}
    names = sorted(path.name for path in folder.iterdir() if path.suffix in suffixes)
    return [Verdict(name, ("it is not in the manifest",)) for name in names if name not in manifest.files]


@contextmanager
def _copied(folder: Path, record: ArtifactRecord) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield a copy of an artifact and its companions that nobody else changes, and what is wrong with them.

    What is hashed is what is copied, and so what is proved, whatever happens in the folder meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as name:
        own = Path(name)
        files = {record.file: record.sha256, **record.companions}
        yield (
            own / record.file,
            tuple(
                failure
                for file, sha256 in files.items()
                for failure in _wrong_hash(folder / file, sha256, own / file)
            ),
        )


def _wrong_hash(path: Path, sha256: str, copy: Path | None = None) -> tuple[str, ...]:
    """Return what is wrong with a file of the folder; write what was hashed to `copy` if it is right."""
    try:
        content = read_limited(path, MAX_MODEL_BYTES, inside=path.parent)
    except FileNotFoundError:
        return (f"{path.name} is missing",)
    except OSError as error:
        return (f"{path.name} cannot be read: {error.strerror}",)
    found = hashlib.sha256(content).hexdigest()
    if found == sha256 and copy is not None:
        copy.write_bytes(content)
    return () if found == sha256 else (f"{path.name} has sha256 {found}, the manifest says {sha256}",)
