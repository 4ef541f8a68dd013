"""The proof of the artifacts on record in a manifest, which anybody may have written."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.artifact.lookup import newer_model
from ..runtime.artifact.manifest import ArtifactRecord, Manifest
from ..runtime.engines.registry import LIBRARY_SUFFIX
from ..runtime.errors import (
    EdgeMnistError,
    MissingCompilerError,
    MissingExtraError,
    ProofError,
    UnprovenError,
)
from ..runtime.isolation.native_code import is_built_here
from ..runtime.isolation.probe import Probe
from .artifact import Proof, prove
from .claims import false_claims, false_exactness, false_structure, is_of_keras
from .formats import SOURCE, Format
from .generated_c import (
    ENDINGS,
    Build,
    Generate,
    GeneratedC,
    OtherGeneratorError,
    ProveExact,
    prove_c,
)
from .generated_web import WEB_FORMATS, ProveForeignC, ProveWeb
from .inspect.structure import probe_structure
from .tolerances import Tolerances
from .verdict import Verdict, hash_failures

_NO_GENERATOR = "nothing here can generate and compile it again"
_NOT_RUN = "generated again and not run, since no C compiler was found"
_TFLITE, _C = "tflite", "c"


@dataclass(frozen=True, slots=True, eq=False)
class Artifacts:
    """The artifacts of a folder, and what is needed to prove them; see the arguments of `verify`.

    The `reference` is None for a set that was made of anybody's TFLite file: there is no test set then.
    """

    folder: Path
    manifest: Manifest
    reference: NDArray[np.float32] | None
    test: Split
    formats: Sequence[Format]
    limits: Mapping[str, float | None]
    generate: Generate | None
    build: Build | None
    prove_exact: ProveExact | None
    prove_web: ProveWeb | None = None
    prove_foreign_c: ProveForeignC | None = None

    def verify(self, record: ArtifactRecord) -> Verdict:
        """Prove one artifact on record, from a private copy."""
        model = self.manifest.model
        if self.reference is not None and (record.file, record.sha256) == (model.file, model.sha256):
            newer = newer_model(self.folder)
            if newer:
                return Verdict(record.file, (newer,))
        with _private_folder() as own:
            failures = tuple(self._copy(record, Path(own)))
            if failures:
                return Verdict(record.file, failures)
            return self._judge(Path(own, record.file), record)

    def _judge(self, path: Path, record: ArtifactRecord) -> Verdict:
        """Prove a copy, and say what became of it."""
        try:
            try:
                return self._prove(path, record)
            except OtherGeneratorError as error:
                return self._prove_foreign_c(path, record, error)
        except MissingCompilerError:
            return Verdict(record.file, (), note=_NOT_RUN)
        except (UnprovenError, MissingExtraError) as error:
            return Verdict(record.file, (), unproven=str(error))
        except EdgeMnistError as error:
            return Verdict(record.file, (str(error),))

    def _copy(self, record: ArtifactRecord, own: Path) -> Iterator[str]:
        """Copy an artifact and its companions to a private folder; yield a sentence for each damaged one.

        The bytes that are hashed are the bytes that are copied and proved, whatever changes in the folder.
        """
        files = {record.file: record.sha256, **record.companions}
        origin = Path(record.file).with_suffix(".tflite").name
        if record.format in (_C, *WEB_FORMATS) and origin in self.manifest.files:
            files[origin] = self.manifest.files[origin]
        for name, sha256 in files.items():
            yield from hash_failures(self.folder / name, sha256, own / name)

    def _prove(self, path: Path, record: ArtifactRecord) -> Verdict:
        if self.reference is None:
            return self._prove_without_data(path, record)
        key = (record.format, record.precision)
        row = next((row for row in self.formats if (row.format, row.precision) == key), None)
        if row is None:
            raise ProofError(f"unknown format {record.precision}.{record.format}")
        row = replace(row, tolerances=self._tolerances(row, record))
        if row.format == SOURCE.format and not row.engine.available:
            return Verdict(record.file, (), note="hash only, since TensorFlow is not installed")
        if record.format in WEB_FORMATS:
            return self._prove_web(path, record, row)
        if path.suffix in row.engine.sources:
            proof = self._prove_c(path, record, row, self.reference)
        else:
            # Of a Keras file, and of files that are made of none, nothing but their record can tell how raw
            # input is scaled; no record can make it wrong unnoticed, since its outputs are compared.
            foreign = not is_of_keras(self.manifest)
            if foreign:
                row = replace(row, spec=replace(row.spec, contract=False))
            known = record.signature or None if foreign or row.format == SOURCE.format else None
            proof = prove(
                path, row, self.reference, self.test, ours=False, batch=record.input.shape[0], signature=known
            )
        false = false_claims(record, self.manifest, proof, path)
        return Verdict(record.file, (*proof.failures, *false), proof.parity)

    def _tolerances(self, row: Format, record: ArtifactRecord) -> Tolerances:
        """Return the stricter of a format's own tolerances and those on record, which loosen none."""
        own = row.tolerances
        if record.tolerances is not None:
            own = own.stricter(Tolerances(**structs.asdict(record.tolerances)))
        return own.replaced(**self.limits)

    def _prove_c(
        self, path: Path, record: ArtifactRecord, row: Format, reference: NDArray[np.float32]
    ) -> Proof:
        """Generate C again, then compile and run the generator's own files.

        A library on record is run too if it was built here.
        """
        generated = self._generated(path, record)
        if self.build is None:
            raise UnprovenError(_NO_GENERATOR)
        library = path.with_suffix(LIBRARY_SUFFIX)
        sha256 = record.companions.get(library.name)
        built = library if sha256 and is_built_here(sha256) else None
        structure, test = generated.structure, self.test
        with _private_folder() as folder, self.build(generated.write(Path(folder)), built) as files:
            return prove(
                path,
                row,
                reference,
                test,
                ours=True,
                batch=structure.inputs[0].shape[0],
                structure=structure,
                files=files,
            )

    def _prove_without_data(self, path: Path, record: ArtifactRecord) -> Verdict:
        if record.format == _TFLITE:
            structure = probe_structure(path, path.read_bytes(), Probe(when="always"))
            return Verdict(path.name, false_structure(record, path, structure), note="what the C was made of")
        if record.format in WEB_FORMATS:
            return self._prove_web(path, record, None)
        if record.format != _C:
            raise ProofError(f"a {record.format} file cannot be proven without a test set")
        generated = self._generated(path, record)
        if self.prove_exact is None:
            raise UnprovenError(_NO_GENERATOR)
        false = false_structure(record, path, generated.structure)
        try:
            with _private_folder() as folder:
                written = generated.write(Path(folder))
                exactness = self.prove_exact(written, generated.made_of, self.test.array)
        except MissingCompilerError:
            return Verdict(path.name, false, note=_NOT_RUN)
        false = (*false, *false_exactness(record, exactness))
        return Verdict(path.name, false, note=exactness.sentence)

    def _prove_foreign_c(self, path: Path, record: ArtifactRecord, why: OtherGeneratorError) -> Verdict:
        """Run C of another version in a sandbox; `why` it cannot be generated again is said if that fails."""
        if self.prove_foreign_c is None:
            raise why
        try:
            found = self.prove_foreign_c(path, self.test.array)
        except (UnprovenError, MissingExtraError) as error:
            raise UnprovenError(f"{why} In a sandbox: {error}") from error
        return Verdict(path.name, false_structure(record, path, found.structure), note=found.note)

    def _prove_web(self, path: Path, record: ArtifactRecord, row: Format | None) -> Verdict:
        """Make WebAssembly or a page again, and compare it."""
        if self.prove_web is None:
            raise UnprovenError(_NO_GENERATOR)
        found = self.prove_web(path, record, row, self.reference, self.test)
        failures = () if found.exactness is None else tuple(false_exactness(record, found.exactness))
        if found.proof is None:
            sentence = found.exactness.sentence if found.exactness else ""
            note = "; ".join(filter(None, (sentence, found.note)))
            return Verdict(path.name, (*failures, *false_structure(record, path, found.structure)), note=note)
        false = false_claims(record, self.manifest, found.proof, path)
        return Verdict(path.name, (*found.proof.failures, *failures, *false), found.proof.parity, found.note)

    def _generated(self, path: Path, record: ArtifactRecord) -> GeneratedC:
        recorded = {record.file, *record.companions}
        missing = [name for name in (path.stem + ending for ending in ENDINGS) if name not in recorded]
        if missing:
            raise ProofError(f"{', '.join(missing)} is not in the manifest")
        if self.generate is None:
            raise UnprovenError(_NO_GENERATOR)
        return prove_c(path, self.generate)


def _private_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="edgemnist-")
