"""The proof of a folder that was made of a TFLite file of anyone's: no test set, no Keras model."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from ..data.datasets import Split
from ..export.codegen.compiler import has_compiler
from ..export.codegen.fixed_point import Match
from ..runtime.artifact.manifest import ArtifactRecord, Manifest
from ..runtime.errors import EdgeMnistError, MissingExtraError, UnprovenError
from ..runtime.isolation.native_code import CODE_SUFFIXES
from ..runtime.isolation.probe import Probe, probe_structure
from ..runtime.model_file import MAX_MODEL_BYTES
from ..runtime.reading import read_limited
from .exactness import Exactness, prove_exact
from .generated_c import ENDINGS, Generate, prove_c, read_claims
from .generated_code import why_foreign
from .verdict import Verdict

_TFLITE, _C = "tflite", "c"


def verify_without_data(
    folder: Path, manifest: Manifest, test: Split, generate: Generate | None, report: Callable[[str], None]
) -> Iterator[Verdict]:
    """Yield a verdict for each file of the set: what is hashed is copied, and the copy is proven."""
    files = manifest.files
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as name:
        own = Path(name)
        wrong = {file: _copy(folder, own, file, sha256) for file, sha256 in files.items()}
        yield Verdict(manifest.reference["file"], wrong[manifest.reference["file"]])
        for record in manifest.artifacts:
            report(record.file)
            failures = [*wrong[record.file], *(one for file in record.companions for one in wrong[file])]
            if failures:
                yield Verdict(record.file, tuple(failures))
            elif record.format == _C:
                yield _proved_c(own / record.file, record, test, generate)
            elif record.format == _TFLITE:
                yield _proved_tflite(own / record.file, record)
            else:
                yield Verdict(record.file, (f"a {record.format} file cannot be proven without a test set",))
            for file, sha256 in record.companions.items():
                if Path(file).suffix in CODE_SUFFIXES and not wrong[file]:
                    foreign = why_foreign(sha256)
                    yield Verdict(file, (), note="" if foreign else "built here", unproven=foreign)


def _copy(folder: Path, own: Path, file: str, sha256: str) -> tuple[str, ...]:
    try:
        content = read_limited(folder / file, MAX_MODEL_BYTES, inside=folder)
    except FileNotFoundError:
        return (f"{file} is missing",)
    except OSError as error:
        return (f"{file} cannot be read: {error.strerror}",)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        return (f"{file} has sha256 {found}, the manifest says {sha256}",)
    (own / file).write_bytes(content)
    return ()


def _proved_tflite(path: Path, record: ArtifactRecord) -> Verdict:
    try:
        structure = probe_structure(path, path.read_bytes(), Probe(when="always"))
    except MissingExtraError as error:
        return Verdict(path.name, (), unproven=str(error))
    except EdgeMnistError as error:
        return Verdict(path.name, (str(error),))
    if record.operators != structure.operator_names:
        return Verdict(
            path.name,
            (f"the manifest says operators {record.operators}, the file {structure.operator_names}",),
        )
    return Verdict(path.name, (), note="what the C was made of")


def _proved_c(path: Path, record: ArtifactRecord, test: Split, generate: Generate | None) -> Verdict:
    unrecorded = [path.stem + ending for ending in ENDINGS if ending != ".c"]
    unrecorded = [name for name in unrecorded if name not in record.companions]
    if unrecorded:
        return Verdict(path.name, (f"{', '.join(unrecorded)} is not in the manifest",))
    if generate is None:
        return Verdict(path.name, (), unproven="nothing here can generate it again")
    try:
        generated = prove_c(path, generate)
        if not has_compiler():
            note = "generated again and not run, since no C compiler was found"
            return Verdict(path.name, (), note=note)
        with tempfile.TemporaryDirectory() as folder:
            source = generated.write(Path(folder))
            match = Match(read_claims(generated.files[".c"]).match)
            exactness, _ = prove_exact(source, generated.made_of, match, test.images)
    except (UnprovenError, MissingExtraError) as error:
        return Verdict(path.name, (), unproven=str(error))
    except EdgeMnistError as error:
        return Verdict(path.name, (str(error),))
    return Verdict(path.name, _wrong_record(record, exactness), note=sentence(exactness))


def _wrong_record(record: ArtifactRecord, exactness: Exactness) -> tuple[str, ...]:
    if record.exactness is None or record.exactness["runtime"] != exactness.runtime:
        return (f"the manifest says exactness {record.exactness}, found {asdict(exactness)}",)
    return ()


def sentence(exactness: Exactness) -> str:
    """Return what was compared, for people."""
    images = f" and {exactness.test_images:,} test images" if exactness.test_images else ""
    return (
        f"all {exactness.output_bytes:,} bytes for {exactness.random_inputs:,} random inputs{images}"
        f" are those of {exactness.runtime}"
    )
