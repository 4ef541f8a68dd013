"""The proof of the artifacts on record in a manifest, which anybody may have written."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from msgspec import UNSET, structs
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.artifact.manifest import ArtifactRecord, ExactnessRecord, Manifest, newer_model
from ..runtime.engines.registry import LIBRARY_SUFFIX
from ..runtime.errors import (
    EdgeMnistError,
    IntegrityError,
    MissingCompilerError,
    MissingExtraError,
    ProofError,
    UnprovenError,
)
from ..runtime.isolation.native_code import CODE_SUFFIXES, is_built_here
from ..runtime.isolation.probe import Probe
from ..runtime.predictor import Predictor
from .artifact import Proof, prove
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
from .inspect.structure import Structure, probe_structure
from .parity import Parity
from .reference import read_recorded
from .tolerances import Tolerances

# Recorded and measured metrics may differ by what another CPU's rounding does to a few near ties.
_SHARE_TOLERANCE = 0.0005
_NO_GENERATOR = "nothing here can generate and compile it again"
_NOT_RUN = "generated again and not run, since no C compiler was found"
_TFLITE, _C = "tflite", "c"
_FOREIGN = (
    "this user has not built it on this machine, and no library can be proven otherwise; it was not"
    " loaded (`edgemnist export --format int8.tflite --format int8.c --compile` builds one)"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one file.

    Attributes:
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
            foreign = not _is_of_keras(self.manifest)
            if foreign:
                row = replace(row, spec=replace(row.spec, contract=False))
            known = record.signature or None if foreign or row.format == SOURCE.format else None
            proof = prove(
                path, row, self.reference, self.test, ours=False, batch=record.input.shape[0], signature=known
            )
        false = _false_claims(record, self.manifest, proof, path)
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
            return Verdict(
                path.name, _false_structure(record, path, structure), note="what the C was made of"
            )
        if record.format in WEB_FORMATS:
            return self._prove_web(path, record, None)
        if record.format != _C:
            raise ProofError(f"a {record.format} file cannot be proven without a test set")
        generated = self._generated(path, record)
        if self.prove_exact is None:
            raise UnprovenError(_NO_GENERATOR)
        false = _false_structure(record, path, generated.structure)
        try:
            with _private_folder() as folder:
                written = generated.write(Path(folder))
                exactness = self.prove_exact(written, generated.made_of, self.test.array)
        except MissingCompilerError:
            return Verdict(path.name, false, note=_NOT_RUN)
        false = (*false, *_false_exactness(record, exactness))
        return Verdict(path.name, false, note=exactness.sentence)

    def _prove_foreign_c(self, path: Path, record: ArtifactRecord, why: OtherGeneratorError) -> Verdict:
        """Run C of another version in a sandbox; `why` it cannot be generated again is said if that fails."""
        if self.prove_foreign_c is None:
            raise why
        try:
            found = self.prove_foreign_c(path, self.test.array)
        except (UnprovenError, MissingExtraError) as error:
            raise UnprovenError(f"{why} In a sandbox: {error}") from error
        return Verdict(path.name, _false_structure(record, path, found.structure), note=found.note)

    def _prove_web(self, path: Path, record: ArtifactRecord, row: Format | None) -> Verdict:
        """Make WebAssembly or a page again, and compare it."""
        if self.prove_web is None:
            raise UnprovenError(_NO_GENERATOR)
        found = self.prove_web(path, record, row, self.reference, self.test)
        failures = () if found.exactness is None else tuple(_false_exactness(record, found.exactness))
        if found.proof is None:
            sentence = found.exactness.sentence if found.exactness else ""
            note = "; ".join(filter(None, (sentence, found.note)))
            return Verdict(
                path.name, (*failures, *_false_structure(record, path, found.structure)), note=note
            )
        false = _false_claims(record, self.manifest, found.proof, path)
        return Verdict(path.name, (*found.proof.failures, *failures, *false), found.proof.parity, found.note)

    def _generated(self, path: Path, record: ArtifactRecord) -> GeneratedC:
        recorded = {record.file, *record.companions}
        missing = [name for name in (path.stem + ending for ending in ENDINGS) if name not in recorded]
        if missing:
            raise ProofError(f"{', '.join(missing)} is not in the manifest")
        if self.generate is None:
            raise UnprovenError(_NO_GENERATOR)
        return prove_c(path, self.generate)


def _is_of_keras(manifest: Manifest) -> bool:
    """Whether a set was made of a Keras model here, so that its files have the artifact contract."""
    return manifest.model.file.endswith(f".{SOURCE.format}")


def _private_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="edgemnist-")


def _false_claims(record: ArtifactRecord, manifest: Manifest, proof: Proof, path: Path) -> Iterator[str]:
    """Yield a sentence for each value in an artifact's record that is not what was found."""
    if proof.structure is None or proof.predictor is None or proof.parity is None:
        return
    yield from _false_structure(record, path, proof.structure, proof.predictor)
    if proof.metadata is not None and _is_of_keras(manifest):
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


def _false_structure(
    record: ArtifactRecord, path: Path, structure: Structure, predictor: Predictor | None = None
) -> tuple[str, ...]:
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


def _false_exactness(record: ArtifactRecord, exactness: ExactnessRecord) -> Iterator[str]:
    if record.exactness is UNSET or record.exactness.runtime != exactness.runtime:
        said = "no exactness" if record.exactness is UNSET else f"the bytes of {record.exactness.runtime}"
        yield f"the manifest says {said}, found those of {exactness.runtime}"


def _differences(*claims: tuple[str, object, object]) -> Iterator[str]:
    for name, said, found in claims:
        if said != found:
            yield f"the manifest says {name} {said}, the file {found}"


def library_verdicts(folder: Path, record: ArtifactRecord) -> Iterator[Verdict]:
    """Yield a verdict for each library on record that is there."""
    for name, sha256 in record.companions.items():
        if Path(name).suffix in CODE_SUFFIXES and (folder / name).is_file():
            failures = hash_failures(folder / name, sha256)
            if failures or is_built_here(sha256):
                yield Verdict(name, failures, note="built here" if is_built_here(sha256) else "")
            else:
                yield Verdict(name, (), unproven=_FOREIGN)


def hash_failures(path: Path, sha256: str, copy: Path | None = None) -> tuple[str, ...]:
    """Return what is wrong with a file of the folder; write what was hashed to `copy` if it is right."""
    try:
        content = read_recorded(path, sha256)
    except IntegrityError as error:
        return (error.problem,)
    if copy is not None:
        copy.write_bytes(content)
    return ()
