"""From a file to a predictor."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from .artifact.lookup import ExpectedHash, find_expected_hash
from .artifact.manifest import MANIFEST_NAME
from .artifact.settling import COMMITTED, read_settled
from .assumed_signature import assumed_signature
from .engines.registry import (
    Engine,
    EngineOptions,
    ModelFile,
    Provider,
    SessionOptions,
    engine_for,
    read_model_file,
)
from .errors import ArtifactError, IntegrityError, OptionError
from .inputs.picture_files import PictureOptions
from .isolation.native_code import is_built_here
from .isolation.probe import Probe, probe_if_needed
from .predictor import Predictor
from .signature import ModelSignature, SignatureOptions

_ONNXRUNTIME = "onnxruntime"


def load_predictor(
    path: str | PathLike[str],
    *,
    engine: str | None = None,
    num_threads: int = 1,
    providers: Sequence[Provider] = (),
    session: SessionOptions | None = None,
    sha256: str | None = None,
    run_foreign_code: bool = False,
    probe: Probe | None = None,
    pictures: PictureOptions | None = None,
    manifest: bool = True,
    signature: ModelSignature | SignatureOptions | None = None,
) -> Predictor:
    """Load a model file into the engine that runs it.

    If a `manifest.json` beside the file records it, the file's sha256 must match and the class names come
    from there. A file without a record loads too, with the class names that export wrote into it,
    after it was loaded and run once in a subprocess, where a damaged file can do no harm; see `Probe`.

    A shared library is native code, which nothing contains: it is loaded if this user built it on this
    machine, with `edgemnist export --compile`, wherever it lies now. Any other is loaded only with its
    `sha256` or with `run_foreign_code`. No manifest changes that.

    Args:
        path: A `.onnx`, `.ort`, `.tflite`, `.keras` or `.h5` file, or a `.c` file with the library compiled
            of it beside it.
        engine: A key of `ENGINES`; None chooses by the suffix.
        num_threads: Threads for one inference.
        providers: ONNX Runtime's execution providers, the preferred one first; none means the CPU.
        session: What else is particular to ONNX Runtime.
        sha256: What the sha256 of the file that is loaded must be, 64 hexadecimal digits; of the library,
            where the path is a `.c` file.
        run_foreign_code: Run a shared library that was not built here, with all that this user may do.
        probe: When and how the file is tried in a subprocess first.
        pictures: How pictures become images of the model's size.
        manifest: Whether a manifest beside the file counts. A model that was trained again since the export
            is not the one on record.
        signature: What goes in and comes out; of a Keras model a part of it may be given. None: what the
            manifest records, else what the file itself says or shows.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: The file is empty, damaged, foreign, or does not keep the artifact contract.
        IntegrityError: The file's sha256 differs from the manifest's or from the one given; or it is a shared
            library that was not built here.
        ManifestError: The manifest beside the file is damaged or of an unknown version.
        MissingExtraError: The engine's package is not installed.
        OptionError: An option is out of range, or there is no engine of that name.
        OutputError: An export was interrupted in the file's folder, and cannot be finished.
    """
    asked = Path(path)
    options = EngineOptions(num_threads, tuple(providers), session or SessionOptions())
    entry = engine_for(asked, engine)
    if entry.name != _ONNXRUNTIME and (options.providers or session is not None):
        raise OptionError(
            f"{entry.name} has no execution providers and no session options",
            received=f"providers={tuple(providers)}, session={session}",
            expected=f"these only with the engine {_ONNXRUNTIME}",
        )
    source, expected = read_settled(
        asked.parent, lambda: _read(entry.file_to_load(asked), entry.name, options, manifest=manifest)
    )
    if sha256 is not None:
        _check_integrity(source, sha256, "the file that was asked for")
    if entry.code and sha256 is None and not run_foreign_code:
        _require_built_here(source)
    entry.import_module()  # a missing package is told as such, before anything is tried
    verified = expected is not None or sha256 is not None or entry.code
    checked = probe_if_needed(source, probe or Probe(), verified=verified)
    loaded = source.load()
    found = signature_of(source.path.name, loaded, expected, signature)
    return Predictor(source, loaded, found, checked=checked, pictures=pictures or PictureOptions())


def signature_of(
    file: str,
    engine: Engine,
    expected: ExpectedHash | None = None,
    wanted: ModelSignature | SignatureOptions | None = None,
) -> ModelSignature:
    """Return what a loaded model takes and gives: as recorded, as its metadata has it, or read off it.

    Args:
        file: The model file's name, for messages.
        engine: The loaded model.
        expected: What a manifest records of the file.
        wanted: What is given by the caller, who knows it better.

    Raises:
        ArtifactError: It does not fit the model, or the model cannot have one.
    """
    infer = getattr(engine, "infer_signature", None)
    recorded = expected and expected.signature
    metadata = None
    if not (recorded and expected and expected.labels):
        from .artifact.metadata import read_metadata  # here: what a TFLite file says of itself takes 30 ms

        metadata = read_metadata(engine.metadata)
    labels = (expected.labels if expected else ()) or (metadata.labels if metadata else ()) or None
    if isinstance(wanted, ModelSignature):
        found: ModelSignature | None = wanted
    elif infer is not None and (wanted is not None or recorded is None):
        found = infer(file, wanted or SignatureOptions(labels=labels))
    else:
        found = recorded or (metadata.signature if metadata else None)
    if found is None:
        found = assumed_signature(file, engine.input, engine.output)
        if labels:  # a version that wrote no signature yet
            found = found.with_labels(labels)
    ends = found.input.shape, found.output.shape
    shapes = engine.input.shape[1:], engine.output.shape[1:]
    if ends != shapes:
        raise ArtifactError(
            f"{file} has other tensors than its signature",
            received=f"input and output of shape {shapes[0]} and {shapes[1]}",
            expected=f"{ends[0]} and {ends[1]}, as the signature has it",
        )
    return found


def load_again(
    path: Path,
    sha256: str,
    engine: str,
    options: EngineOptions,
    signature: ModelSignature,
    checked: bool,
    pictures: PictureOptions,
) -> Predictor:
    """Load what a pickled predictor had loaded; IntegrityError if the file is another one now."""
    source = read_model_file(path, engine, options)
    _check_integrity(source, sha256, "the file that the predictor was pickled with")
    return Predictor(source, source.load(), signature, checked=checked, pictures=pictures)


def _read(
    path: Path, engine: str, options: EngineOptions, *, manifest: bool
) -> tuple[ModelFile, ExpectedHash | None]:
    """Read a file and what is on record for it, and check that they match."""
    source = read_model_file(path, engine, options)
    if not manifest:
        return source, None
    publishing = (path.parent / COMMITTED / MANIFEST_NAME).is_file()
    expected = find_expected_hash(path)
    if expected is not None:
        _check_integrity(source, expected.sha256, "the file that its manifest records")
    elif publishing or not path.exists():  # not on record yet, or no longer
        raise IntegrityError(
            f"{path.name} is being replaced", fix="Try again when the export to its folder has ended."
        )
    return source, expected


def _check_integrity(source: ModelFile, sha256: str, expected: str) -> None:
    if source.sha256 != sha256.lower():
        raise IntegrityError(
            f"{source.path.name} is not {expected}",
            received=f"sha256 {source.sha256}",
            expected=sha256,
            fix="Fetch the artifacts again, or export them again, as after another training of the model.",
        )


def _require_built_here(source: ModelFile) -> None:
    if not is_built_here(source.sha256):
        raise IntegrityError(
            f"{source.path.name} is native code, and this user has not built it on this machine",
            received=f"sha256 {source.sha256}",
            fix="Build it here: edgemnist export --format int8.tflite --format int8.c --compile. Or, if you"
            " trust who built it, give its sha256= or run_foreign_code=True (--run-foreign-code).",
        )
