"""Verification: prove an artifact folder again, from its files alone. Needs no TensorFlow.

Nothing that the manifest claims is believed: hashes, structure and answers are found anew and compared with
it. The source model's answers come from `reference.npz`; where TensorFlow is installed, the source model
itself is asked too. Model files are data, and are tried in a subprocess first. Native code is not: C is
generated again and only the generator's own files are compiled, and a library is run if it was built here.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..export.convert.registry import FORMATS, SOURCE, Format
from ..runtime.artifact.folder import recover
from ..runtime.artifact.manifest import ArtifactRecord, Manifest, newer_model, read_manifest
from ..runtime.artifact.previous import is_model
from ..runtime.artifact.settling import ATTEMPTS, state_of
from ..runtime.errors import (
    ArtifactError,
    ArtifactNotFoundError,
    EdgeMnistError,
    ManifestError,
    MissingExtraError,
    ProofError,
    UnprovenError,
)
from ..runtime.isolation.native_code import CODE_SUFFIXES
from ..runtime.model_file import MAX_MODEL_BYTES
from ..runtime.reading import read_limited
from .artifact import Proof, prove
from .generated_c import Generate
from .generated_code import prove_generated, why_foreign
from .reference import read_reference
from .verdict import NOT_CHECKED, Verdict
from .without_data import verify_without_data

# Recorded and found figures may differ by what another CPU's rounding does to a few near ties.
_SHARE_TOLERANCE = 0.0005


def verify(
    folder: Path,
    test: Split,
    *,
    generate: Generate | None = None,
    formats: Sequence[Format] = FORMATS,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Verdict, ...]:
    """Prove every file of an artifact folder again, after finishing an export that was interrupted there.

    Args:
        folder: The folder.
        test: The test images that the artifacts were proved on.
        generate: What makes C of a TFLite file; None leaves C unproven.
        formats: The formats that artifacts may have, with the limits to hold them to.
        report: Called with each artifact's name before its proof starts.

    Returns:
        One verdict for each artifact, for each library on record, for the reference, and for each file in the
        folder that looks like an artifact and is not on record. All are of one set: where an export replaces
        it meanwhile, the new one is verified.

    Raises:
        ArtifactNotFoundError: There is no such folder.
        ProofError: The manifest is missing or damaged, or was written for another test set.
        OutputError: An interrupted export cannot be finished.
    """
    if not folder.is_dir():
        raise ArtifactNotFoundError(f"no such folder: {folder}")
    for _ in range(ATTEMPTS):
        recover(folder)
        before = state_of(folder)
        try:
            verdicts = _verify_set(folder, test, generate, formats, report)
        except ProofError:
            if state_of(folder) == before:
                raise
        else:
            if state_of(folder) == before:
                return verdicts
    raise ProofError(
        f"{folder} changes faster than it can be verified", fix="Try again when no export is running there."
    )


def _verify_set(
    folder: Path,
    test: Split,
    generate: Generate | None,
    formats: Sequence[Format],
    report: Callable[[str], None],
) -> tuple[Verdict, ...]:
    try:
        manifest = read_manifest(folder)
    except ManifestError as error:
        raise ProofError(
            error.problem, received=error.received, expected=error.expected, fix=error.fix
        ) from error
    if not manifest.dataset:
        return (
            *verify_without_data(folder, manifest, test, generate, report),
            *_unrecorded(folder, manifest),
        )
    _check_test(manifest, test)
    try:
        reference = _read_reference(folder, manifest, test)
    except ProofError as error:
        return (Verdict(manifest.reference["file"], (str(error),)),)
    verdicts = [Verdict(manifest.reference["file"], ())]
    for record in manifest.artifacts:
        report(record.file)
        verdict = _verify(folder, record, manifest, reference, test, formats, generate)
        verdicts += [verdict, *_libraries(folder, record)]
    if manifest.model["file"] not in {record.file for record in manifest.artifacts}:
        failures = _wrong_model(folder, manifest)
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
    generate: Generate | None,
) -> Verdict:
    row = next(
        (row for row in formats if (row.format, row.precision) == (record.format, record.precision)), None
    )
    if row is None:
        return Verdict(record.file, (f"unknown format {record.precision}.{record.format}",))
    if (record.file, record.sha256) == (manifest.model["file"], manifest.model["sha256"]):
        outdated = newer_model(folder)
        if outdated:
            return Verdict(record.file, (outdated,))
    with _copied(folder, record, manifest) as (copy, damaged):
        if damaged:
            return Verdict(record.file, damaged)
        return _prove(copy, record, row, manifest, reference, test, generate)


def _prove(
    path: Path,
    record: ArtifactRecord,
    row: Format,
    manifest: Manifest,
    reference: NDArray[np.float32],
    test: Split,
    generate: Generate | None,
) -> Verdict:
    if row.format == SOURCE.format:
        if not row.engine.available:
            return Verdict(record.file, (), note="hash only, since TensorFlow is not installed")
        from ..export import backend  # noqa: F401 - starts TensorFlow without its notes
    try:
        if path.suffix in row.engine.sources:
            proof = prove_generated(path, record, row, reference, test, generate)
        else:
            proof = prove(path, row, reference, test, ours=False)
    except (UnprovenError, MissingExtraError) as error:
        return Verdict(record.file, (), unproven=str(error))
    except EdgeMnistError as error:
        return Verdict(record.file, (str(error),))
    if proof is None:
        return Verdict(record.file, (), note="generated again and not run, since no C compiler was found")
    failures = (*proof.failures, *_wrong_record(record, manifest, proof, path))
    return Verdict(record.file, failures, proof.parity)


def _libraries(folder: Path, record: ArtifactRecord) -> Iterator[Verdict]:
    """Yield a verdict for each library on record that is there."""
    for name, sha256 in record.companions.items():
        if Path(name).suffix in CODE_SUFFIXES and (folder / name).is_file():
            failures = _wrong_hash(folder / name, sha256)
            foreign = why_foreign(sha256)
            note = "" if foreign else "built here"
            yield Verdict(name, failures, note=note, unproven="" if failures else foreign)


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
    if record.parity is None:
        return [*wrong, "the manifest says nothing of parity"]
    images = proof.parity.images
    for name in ("accuracy", "agreement"):
        said, found = record.parity[name], getattr(proof.parity, name)
        if abs(round(said * images) - round(found * images)) / images > _SHARE_TOLERANCE:
            wrong.append(f"the manifest says {name} {said:.2%}, measured {found:.2%}")
    return wrong


def _unrecorded(folder: Path, manifest: Manifest) -> list[Verdict]:
    suffixes = {suffix for row in FORMATS for suffix in (f".{row.format}", *row.engine.suffixes)}
    suffixes |= {*CODE_SUFFIXES}
    names = sorted(path.name for path in folder.iterdir() if path.suffix in suffixes)
    return [
        # The user's own model may lie beside the artifacts of another one, and no command removes it.
        Verdict(name, (), note=NOT_CHECKED)
        if is_model(Path(name))
        else Verdict(name, ("it is not in the manifest",))
        for name in names
        if name not in manifest.files
    ]


def _wrong_model(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    sentence = newer_model(folder)
    if sentence:
        return (sentence,)
    return _wrong_hash(folder / manifest.model["file"], manifest.model["sha256"])


def _hashes(record: ArtifactRecord) -> dict[str, str]:
    """Return the sha256 of an artifact's file and of each of its companions, by its name."""
    return {record.file: record.sha256, **record.companions}


@contextmanager
def _copied(
    folder: Path, record: ArtifactRecord, manifest: Manifest
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield a copy of an artifact and its companions that nobody else changes, and what is wrong with them.

    Beside C lies what it is generated of again.

    What is hashed is what is copied, and so what is proved, whatever happens in the folder meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as name:
        own = Path(name)
        files = _hashes(record)
        origin = Path(record.file).with_suffix(".tflite").name
        if record.format == "c" and origin in manifest.files:
            files[origin] = manifest.files[origin]
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
