"""The proof of a folder that was made of anybody's TFLite file: there is no test set and no Keras model."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from ..runtime.artifact.manifest import ArtifactRecord, Manifest
from ..runtime.errors import EdgeMnistError, MissingCompilerError, MissingExtraError, UnprovenError
from ..runtime.isolation.probe import Probe
from .exactness import ProveExact, sentence
from .generated_c import ENDINGS, Generate, prove_c
from .inspect.structure import Structure, probe_structure
from .recorded import Verdict, hash_failures, library_verdicts

_TFLITE, _C = "tflite", "c"


def verify_without_data(
    folder: Path,
    manifest: Manifest,
    images: NDArray[np.uint8],
    generate: Generate | None,
    prove_exact: ProveExact | None,
    report: Callable[[str], None],
) -> Iterator[Verdict]:
    """Yield a verdict for each file of the set: what is hashed is copied, and the copy is proven."""
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as name:
        own = Path(name)
        wrong = {
            file: hash_failures(folder / file, sha256, own / file) for file, sha256 in manifest.files.items()
        }
        recorded = {record.file for record in manifest.artifacts}
        for file in (manifest.reference.file, manifest.model.file):
            if file not in recorded:
                yield Verdict(file, wrong[file])
        for record in manifest.artifacts:
            report(record.file)
            failures = [failure for file in (record.file, *record.companions) for failure in wrong[file]]
            if failures:
                yield Verdict(record.file, tuple(failures))
            elif record.format == _C:
                yield _verify_c(own / record.file, record, images, generate, prove_exact)
            elif record.format == _TFLITE:
                yield _verify_tflite(own / record.file, record)
            else:
                yield Verdict(record.file, (f"a {record.format} file cannot be proven without a test set",))
            yield from library_verdicts(folder, record)


def _verify_tflite(path: Path, record: ArtifactRecord) -> Verdict:
    try:
        structure = probe_structure(path, path.read_bytes(), Probe(when="always"))
    except MissingExtraError as error:
        return Verdict(path.name, (), unproven=str(error))
    except EdgeMnistError as error:
        return Verdict(path.name, (str(error),))
    return Verdict(path.name, tuple(_false_claims(path, record, structure)), note="what the C was made of")


def _verify_c(
    path: Path,
    record: ArtifactRecord,
    images: NDArray[np.uint8],
    generate: Generate | None,
    prove_exact: ProveExact | None,
) -> Verdict:
    unrecorded = [path.stem + ending for ending in ENDINGS if ending != ".c"]
    unrecorded = [name for name in unrecorded if name not in record.companions]
    if unrecorded:
        return Verdict(path.name, (f"{', '.join(unrecorded)} is not in the manifest",))
    if generate is None or prove_exact is None:
        return Verdict(path.name, (), unproven="nothing here can generate and compile it again")
    try:
        generated = prove_c(path, generate)
        false = tuple(_false_claims(path, record, generated.structure))
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
            exactness = prove_exact(generated.write(Path(folder)), generated.made_of, images)
    except MissingCompilerError:
        return Verdict(path.name, false, note="generated again and not run, since no C compiler was found")
    except (UnprovenError, MissingExtraError) as error:
        return Verdict(path.name, (), unproven=str(error))
    except EdgeMnistError as error:
        return Verdict(path.name, (str(error),))
    if record.exactness is UNSET or record.exactness.runtime != exactness.runtime:
        said = "no exactness" if record.exactness is UNSET else f"the bytes of {record.exactness.runtime}"
        false = (*false, f"the manifest says {said}, found those of {exactness.runtime}")
    return Verdict(path.name, false, note=sentence(exactness))


def _false_claims(path: Path, record: ArtifactRecord, structure: Structure) -> Iterator[str]:
    """Yield a sentence for each value in an artifact's record that is not what was found."""
    claims = (
        ("size", record.size_bytes, path.stat().st_size),
        *(
            (f"size of {name}", size, path.with_name(name).stat().st_size)
            for name, size in record.companion_bytes.items()
        ),
        ("input", record.input, structure.inputs[0]),
        ("output", record.output, structure.outputs[0]),
        ("operators", record.operators, structure.operator_names),
        ("versions", record.versions, structure.versions),
        ("oldest runtime", record.oldest_runtime, structure.oldest_runtime),
    )
    for name, said, found in claims:
        if said != found:
            yield f"the manifest says {name} {said}, the file {found}"
