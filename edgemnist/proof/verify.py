"""Verification: prove an artifact folder again, from its files alone. Needs no TensorFlow.

Nothing in the manifest is believed: hashes, structure and answers are found anew and compared with it. The
source model's answers come from `reference.npz`; where TensorFlow is installed, the source model is run too.
Model files are data, and are probed in a subprocess first. Native code is not: C is generated again and only
the generator's own files are compiled, and a library is run only if it was built here.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
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
from .formats import FORMATS, SOURCE, Format
from .generated_c import Build, Generate, prove_answers_of_c, why_foreign
from .parity import Parity
from .reference import read_reference

# Recorded and measured metrics may differ by what another CPU's rounding does to a few near ties.
_SHARE_TOLERANCE = 0.0005
NOT_CHECKED = "not of this set, and not checked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one file.

    Attributes:
        file: Its name.
        failures: A sentence for each failed check; empty if there is none.
        parity: Against the source model; None if the file was not run.
        note: What was left out, and why; "" if nothing was.
        unproven: Why nothing here proves the file, which was therefore not run; "" if it passed or failed.
    """

    file: str
    failures: tuple[str, ...]
    parity: Parity | None = None
    note: str = ""
    unproven: str = ""

    @property
    def passed(self) -> bool:
        """Whether the file is proven."""
        return not self.failures and not self.unproven


def verify(
    folder: Path,
    test: Split,
    *,
    generate: Generate | None = None,
    build: Build | None = None,
    formats: Sequence[Format] = FORMATS,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Verdict, ...]:
    """Prove every file of an artifact folder again, after finishing an export that was interrupted there.

    Args:
        folder: The folder.
        test: The test images that the artifacts were proved on.
        generate: Generates C of a TFLite file; None leaves C unproven.
        build: Compiles that C; None leaves C unproven.
        formats: The known formats, with their tolerances.
        report: Called with each artifact's name before its proof starts.

    Returns:
        One verdict for each artifact, for each library on record, for the reference, and for each file in the
        folder that looks like an artifact and is not on record. All are of one set: if an export replaces it
        meanwhile, the new one is verified.

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
            verdicts = _verify_set(folder, test, generate, build, formats, report)
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
    build: Build | None,
    formats: Sequence[Format],
    report: Callable[[str], None],
) -> tuple[Verdict, ...]:
    try:
        manifest = read_manifest(folder)
    except ManifestError as error:
        raise ProofError(
            error.problem, received=error.received, expected=error.expected, fix=error.fix
        ) from error
    _check_test(manifest, test)
    try:
        reference = read_reference(folder, manifest, len(test))
    except ArtifactError as error:
        return (Verdict(manifest.reference.file, (str(error),)),)
    artifacts = _Artifacts(folder, manifest, reference, test, formats, generate, build)
    verdicts = [Verdict(manifest.reference.file, ())]
    for record in manifest.artifacts:
        report(record.file)
        verdicts += [artifacts.verify(record), *_libraries(folder, record)]
    model = manifest.model.file
    if model not in {record.file for record in manifest.artifacts}:
        newer = newer_model(folder)
        failures = (newer,) if newer else _hash_failures(folder / model, manifest.model.sha256)
        verdicts.append(Verdict(model, failures))
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


@dataclass(frozen=True, slots=True, eq=False)
class _Artifacts:
    """The artifacts of a folder, and what is needed to prove them."""

    folder: Path
    manifest: Manifest
    reference: NDArray[np.float32]
    test: Split
    formats: Sequence[Format]
    generate: Generate | None
    build: Build | None

    def verify(self, record: ArtifactRecord) -> Verdict:
        key = (record.format, record.precision)
        row = next((row for row in self.formats if (row.format, row.precision) == key), None)
        if row is None:
            return Verdict(record.file, (f"unknown format {record.precision}.{record.format}",))
        model = self.manifest.model
        if (record.file, record.sha256) == (model.file, model.sha256):
            newer = newer_model(self.folder)
            if newer:
                return Verdict(record.file, (newer,))
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as own:
            failures = tuple(self._copy(record, Path(own)))
            return Verdict(record.file, failures) if failures else self._prove(Path(own), record, row)

    def _copy(self, record: ArtifactRecord, own: Path) -> Iterator[str]:
        """Copy an artifact and its companions to a private folder; yield a sentence for each damaged one.

        The bytes that are hashed are the bytes that are copied and proved, whatever changes in the folder.
        """
        files = {record.file: record.sha256, **record.companions}
        origin = Path(record.file).with_suffix(".tflite").name
        if record.format == "c" and origin in self.manifest.files:
            files[origin] = self.manifest.files[origin]
        for name, sha256 in files.items():
            yield from _hash_failures(self.folder / name, sha256, own / name)

    def _prove(self, own: Path, record: ArtifactRecord, row: Format) -> Verdict:
        if row.format == SOURCE.format and not row.engine.available:
            return Verdict(record.file, (), note="hash only, since TensorFlow is not installed")
        path, reference, test = own / record.file, self.reference, self.test
        proof: Proof | None
        try:
            if path.suffix in row.engine.sources:
                proof = prove_answers_of_c(path, record, row, reference, test, self.generate, self.build)
            else:
                proof = prove(path, row, reference, test, ours=False)
        except (UnprovenError, MissingExtraError) as error:
            return Verdict(record.file, (), unproven=str(error))
        except EdgeMnistError as error:
            return Verdict(record.file, (str(error),))
        if proof is None:
            return Verdict(record.file, (), note="generated again and not run, since no C compiler was found")
        false = _false_claims(record, self.manifest, proof, path)
        return Verdict(record.file, (*proof.failures, *false), proof.parity)


def _libraries(folder: Path, record: ArtifactRecord) -> Iterator[Verdict]:
    """Yield a verdict for each library on record that is there."""
    for name, sha256 in record.companions.items():
        if Path(name).suffix in CODE_SUFFIXES and (folder / name).is_file():
            failures = _hash_failures(folder / name, sha256)
            foreign = why_foreign(sha256)
            note = "" if foreign else "built here"
            yield Verdict(name, failures, note=note, unproven="" if failures else foreign)


def _false_claims(record: ArtifactRecord, manifest: Manifest, proof: Proof, path: Path) -> Iterator[str]:
    """Yield a sentence for each value in an artifact's record that is not what was found."""
    if proof.structure is None or proof.predictor is None or proof.parity is None:
        return
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
    if proof.metadata is not None:
        claims += [
            ("labels", record.labels, proof.metadata.labels),
            ("model name", manifest.model.name, proof.metadata.model),
            ("source sha256", manifest.model.sha256, proof.metadata.source_sha256),
            ("tools", manifest.tools, proof.metadata.tools),
        ]
    for name, said, found in claims:
        if said != found:
            yield f"the manifest says {name} {said}, the file {found}"
    images = proof.parity.images
    for name in ("accuracy", "agreement"):
        said, found = getattr(record.parity, name), getattr(proof.parity, name)
        if abs(round(said * images) - round(found * images)) / images > _SHARE_TOLERANCE:
            yield f"the manifest says {name} {said:.2%}, measured {found:.2%}"


def _unrecorded(folder: Path, manifest: Manifest) -> Iterator[Verdict]:
    suffixes = {suffix for row in FORMATS for suffix in (f".{row.format}", *row.engine.suffixes)}
    suffixes |= {*CODE_SUFFIXES}
    for name in sorted(path.name for path in folder.iterdir() if path.suffix in suffixes):
        if name not in manifest.files:
            # The user's own model may lie beside the artifacts of another one, and no command removes it.
            yield (
                Verdict(name, (), note=NOT_CHECKED)
                if is_model(Path(name))
                else Verdict(name, ("it is not in the manifest",))
            )


def _hash_failures(path: Path, sha256: str, copy: Path | None = None) -> tuple[str, ...]:
    """Return what is wrong with a file of the folder; write what was hashed to `copy` if it is right."""
    try:
        content = read_limited(path, MAX_MODEL_BYTES, inside=path.parent)
    except FileNotFoundError:
        return (f"{path.name} is missing",)
    except OSError as error:
        return (f"{path.name} cannot be read: {error.strerror}",)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        return (f"{path.name} has sha256 {found}, the manifest says {sha256}",)
    if copy is not None:
        copy.write_bytes(content)
    return ()
