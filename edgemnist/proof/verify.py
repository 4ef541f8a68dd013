"""Verification: prove an artifact folder again, from its files alone. Needs no TensorFlow.

Nothing in the manifest is believed: hashes, structure and answers are found anew and compared with it. The
source model's answers come from `reference.npz`; where TensorFlow is installed, the source model is run too.
Model files are data, and are probed in a subprocess first. Native code is not: C is generated again and only
the generator's own files are compiled, and a library is run only if it was built here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import UnsetType

from ..data.datasets import Split, load_test_split
from ..data.record import DataRecord, find_data
from ..data.splits import SeededSplit
from ..data.wanted import Wanted
from ..runtime.artifact.folder import recover
from ..runtime.artifact.lookup import newer_model
from ..runtime.artifact.manifest import Manifest, read_manifest
from ..runtime.artifact.previous import is_model
from ..runtime.artifact.settling import ATTEMPTS, state_of
from ..runtime.errors import ArtifactError, ArtifactNotFoundError, ManifestError, ProofError
from ..runtime.isolation.native_code import CODE_SUFFIXES
from .formats import FORMATS, KNOWN_FORMATS, Format
from .generated_c import Build, Generate, ProveExact
from .generated_web import WEB_FORMATS, ProveForeignC, ProveWeb
from .recorded import Artifacts
from .reference import read_reference
from .verdict import Verdict, hash_failures, library_verdicts

__all__ = ["NOT_CHECKED", "Verdict", "recorded_test", "verify"]

NOT_CHECKED = "not of this set, and not checked"


def verify(
    folder: Path,
    test: Split,
    *,
    generate: Generate | None = None,
    build: Build | None = None,
    prove_exact: ProveExact | None = None,
    prove_web: ProveWeb | None = None,
    prove_foreign_c: ProveForeignC | None = None,
    formats: Sequence[Format] = KNOWN_FORMATS,
    limits: Mapping[str, float | None] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Verdict, ...]:
    """Prove every file of an artifact folder again, after finishing an export that was interrupted there.

    Args:
        folder: The folder.
        test: The test images that the artifacts were proved on.
        generate: Generates C of a TFLite file; None leaves C unproven.
        build: Compiles that C; None leaves C unproven.
        prove_exact: Compares C of a TFLite file without a data set with its runtime; None leaves it unproven.
        prove_web: Makes WebAssembly and pages again; None leaves them unproven.
        prove_foreign_c: Runs C of another version in a sandbox; None leaves it unproven.
        formats: The known formats with their tolerances. Stricter ones on record count instead.
        limits: What replaces the stricter of both; see `Tolerances.replaced`.
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
    _require_folder(folder)
    prepare = partial(
        Artifacts,
        folder,
        test=test,
        formats=formats,
        limits=limits or {},
        generate=generate,
        build=build,
        prove_exact=prove_exact,
        prove_web=prove_web,
        prove_foreign_c=prove_foreign_c,
    )
    for _ in range(ATTEMPTS):
        recover(folder)
        before = state_of(folder)
        try:
            verdicts = _verify_set(folder, test, prepare, report)
        except ProofError:
            if state_of(folder) == before:
                raise
        else:
            if state_of(folder) == before:
                return verdicts
    raise ProofError(
        f"{folder} changes faster than it can be verified", fix="Try again when no export is running there."
    )


def recorded_test(
    folder: Path, path: Path | None = None, report: Callable[[str], None] = lambda _: None
) -> Split:
    """Return the test set that the artifacts of a folder were proved on, in the shape that its model has.

    An export that was interrupted there is finished first.

    Args:
        folder: The folder.
        path: Of the data set; None is where the manifest says it was.
        report: Called with the path that the manifest says, before anything there is read.

    Raises:
        ArtifactNotFoundError: There is no such folder.
        ProofError: The manifest is missing or damaged.
        DatasetError: The data set cannot be read; or it is the recorded one, and is missing or has changed.
        OutputError: An interrupted export cannot be finished.
    """
    _require_folder(folder)
    recover(folder)
    manifest = _read_manifest(folder)
    wanted = Wanted()
    if not isinstance(manifest.signature, UnsetType):
        taken, given = manifest.signature.input, manifest.signature.output
        wanted = Wanted(taken.shape, taken.kind, given.kind, given.labels)
    if isinstance(manifest.data, UnsetType):  # of the first edition, or of anybody's TFLite file
        return load_test_split(path, wanted)
    drawn = manifest.data.seeded
    seeded = SeededSplit(drawn.seed, drawn.test_share, drawn.indices_sha256) if drawn else None
    record = DataRecord(manifest.data.path, manifest.dataset, manifest.data.resize, seeded)
    if path is None:
        report(record.path or "MNIST")
        return find_data(record, wanted=wanted)
    return load_test_split(path, record.as_recorded(wanted))


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ArtifactNotFoundError(f"no such folder: {folder}")


def _read_manifest(folder: Path) -> Manifest:
    try:
        return read_manifest(folder)
    except ManifestError as error:
        raise ProofError(error.problem, **error.facts) from error


def _verify_set(
    folder: Path, test: Split, prepare: Callable[..., Artifacts], report: Callable[[str], None]
) -> tuple[Verdict, ...]:
    manifest = _read_manifest(folder)
    stored, reference = manifest.reference, None
    failures: tuple[str, ...] = ()
    if manifest.dataset:
        _check_test(manifest, test)
        try:
            reference = read_reference(folder, manifest, len(test))
        except ArtifactError as error:
            return (Verdict(stored.file, (str(error),)),)
    else:
        failures = hash_failures(folder / stored.file, stored.sha256)
    artifacts = prepare(manifest=manifest, reference=reference)
    found = [Verdict(stored.file, failures)]
    for record in manifest.artifacts:
        report(record.file)
        found += [artifacts.verify(record), *library_verdicts(folder, record)]
    model = manifest.model.file
    if model not in {record.file for record in manifest.artifacts}:
        newer = newer_model(folder) if manifest.dataset else ""
        failures = (newer,) if newer else hash_failures(folder / model, manifest.model.sha256)
        found.append(Verdict(model, failures))
    return (*found, *_unrecorded(folder, manifest))


def _check_test(manifest: Manifest, test: Split) -> None:
    found = test.hashes("test")
    expected = {name: sha256 for name, sha256 in manifest.dataset.items() if name.startswith("test_")}
    if found != expected:
        first = next(iter(expected))
        raise ProofError(
            "the artifacts were proved on another test set",
            received=f"{test.source}, sha256 {found.get(first, 'of nothing like it')[:12]}…",
            expected=f"{first.replace('_', ' ')} with sha256 {expected[first][:12]}…",
            fix="Give the data set that they were exported with: --data PATH.",
        )


def _unrecorded(folder: Path, manifest: Manifest) -> Iterator[Verdict]:
    suffixes = {suffix for row in FORMATS for suffix in (f".{row.format}", *row.engine.suffixes)}
    # Other pages, such as a benchmark's report, may lie here too.
    suffixes = {*suffixes, *CODE_SUFFIXES} - {".html"}
    endings = (*suffixes, *(f".{row.name}" for row in FORMATS if row.format in WEB_FORMATS))
    for name in sorted(path.name for path in folder.iterdir() if path.name.endswith(endings)):
        if name not in manifest.files:
            # The user's own model may lie beside the artifacts of another one, and no command removes it.
            yield (
                Verdict(name, (), note=NOT_CHECKED)
                if is_model(Path(name))
                else Verdict(name, ("it is not in the manifest",))
            )
