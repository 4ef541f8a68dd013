"""The proof of the artifacts on record in a manifest, which anybody may have written."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.artifact.manifest import ArtifactRecord, Manifest, newer_model
from ..runtime.engines.registry import LIBRARY_SUFFIX
from ..runtime.errors import (
    EdgeMnistError,
    MissingCompilerError,
    MissingExtraError,
    ProofError,
    UnprovenError,
)
from ..runtime.isolation.native_code import CODE_SUFFIXES, is_built_here
from ..runtime.model_file import MAX_MODEL_BYTES
from ..runtime.reading import read_limited
from .artifact import Proof, prove
from .formats import SOURCE, Format
from .generated_c import ENDINGS, Build, Generate, prove_c
from .parity import Parity

# Recorded and measured metrics may differ by what another CPU's rounding does to a few near ties.
_SHARE_TOLERANCE = 0.0005
_FOREIGN = (
    "this user has not built it on this machine, and no library can be proven otherwise; it was not"
    " loaded (`edgemnist export --format int8.tflite --format int8.c --compile` builds one)"
)


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


@dataclass(frozen=True, slots=True, eq=False)
class Artifacts:
    """The artifacts of a folder, and what is needed to prove them."""

    folder: Path
    manifest: Manifest
    reference: NDArray[np.float32]
    test: Split
    formats: Sequence[Format]
    generate: Generate | None
    build: Build | None

    def verify(self, record: ArtifactRecord) -> Verdict:
        """Prove one artifact on record, from a private copy."""
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
            yield from hash_failures(self.folder / name, sha256, own / name)

    def _prove(self, own: Path, record: ArtifactRecord, row: Format) -> Verdict:
        if row.format == SOURCE.format and not row.engine.available:
            return Verdict(record.file, (), note="hash only, since TensorFlow is not installed")
        path, reference, test = own / record.file, self.reference, self.test
        proof: Proof | None
        try:
            if path.suffix in row.engine.sources:
                proof = self._prove_c(path, record, row)
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

    def _prove_c(self, path: Path, record: ArtifactRecord, row: Format) -> Proof | None:
        """Generate C again, then compile and run the generator's own files; None if there is no compiler.

        A library on record is run too if it was built here.
        """
        recorded = {record.file, *record.companions}
        missing = [name for name in (path.stem + ending for ending in ENDINGS) if name not in recorded]
        if missing:
            raise ProofError(f"{', '.join(missing)} is not in the manifest")
        if self.generate is None or self.build is None:
            raise UnprovenError("nothing here can generate and compile it again")
        generated = prove_c(path, self.generate)
        library = path.with_suffix(LIBRARY_SUFFIX)
        sha256 = record.companions.get(library.name)
        built = library if sha256 and is_built_here(sha256) else None
        structure, reference, test = generated.structure, self.reference, self.test
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
            try:
                with self.build(generated.write(Path(folder)), built) as files:
                    return prove(path, row, reference, test, ours=True, structure=structure, files=files)
            except MissingCompilerError:
                return None


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
    if record.parity is None:
        return
    images = proof.parity.images
    for name in ("accuracy", "agreement"):
        said, found = getattr(record.parity, name), getattr(proof.parity, name)
        if abs(round(said * images) - round(found * images)) / images > _SHARE_TOLERANCE:
            yield f"the manifest says {name} {said:.2%}, measured {found:.2%}"


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
