"""From a file to a predictor."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from .embedded import read_embedded
from .engines import Engine, EngineOptions, Provider, SessionOptions, engine_for
from .errors import ArtifactError, ArtifactNotFoundError, IntegrityError
from .files import sha256_of
from .predictor import Predictor
from .vouching import Voucher, find_voucher


def load_predictor(
    path: str | PathLike[str],
    *,
    engine: str | None = None,
    num_threads: int = 1,
    providers: Sequence[Provider] = (),
    session: SessionOptions | None = None,
) -> Predictor:
    """Load a model file into the engine that runs it.

    If a `manifest.json` beside the file records it, the file's sha256 must match and the class names come
    from there. A file without a manifest loads too; its class names are those that export wrote into it.

    Args:
        path: A `.onnx`, `.ort`, `.tflite` or `.keras` file.
        engine: The engine to use, a key of `ENGINES`; None chooses it by the suffix.
        num_threads: Threads for one inference.
        providers: ONNX Runtime's execution providers, the preferred one first; none means the CPU.
        session: What else is particular to ONNX Runtime.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: The file is empty, damaged, foreign, or does not keep the artifact contract.
        IntegrityError: The file's sha256 differs from the manifest's.
        ManifestError: The manifest beside the file is damaged or of an unknown version.
        MissingExtraError: The engine's package is not installed.
        OptionError: An option is out of range, or there is no engine of that name.
    """
    path = Path(path)
    options = EngineOptions(num_threads, tuple(providers), session or SessionOptions())
    entry = engine_for(path, engine)
    _check_file(path)
    voucher = find_voucher(path)
    if voucher is not None:
        _check_integrity(path, voucher)
    loaded = entry.load(path, options)
    class_names = voucher.labels if voucher else _class_names(loaded)
    if len(class_names) != loaded.output.shape[-1]:
        raise ArtifactError(
            f"{path.name} has another number of outputs than labels",
            received=f"{loaded.output.shape[-1]} outputs",
            expected=f"{len(class_names)}, as its {'manifest' if voucher else 'metadata'} lists",
        )
    return Predictor(path, entry.name, loaded, class_names, num_threads)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise ArtifactNotFoundError(
            f"no such file: {path}", fix="`edgemnist export` makes artifacts in the folder artifacts."
        )
    if not path.is_file() or path.stat().st_size == 0:
        found = "an empty file" if path.is_file() else "a folder"
        raise ArtifactError(f"{path} is not a model", received=found, expected="a model file")


def _check_integrity(path: Path, voucher: Voucher) -> None:
    found = sha256_of(path)
    if found != voucher.sha256:
        raise IntegrityError(
            f"{path.name} is not the file that its manifest records",
            received=f"sha256 {found}",
            expected=voucher.sha256,
            fix="Fetch the artifacts again, or export them again; if an export was interrupted here,"
            " `edgemnist verify` finishes it.",
        )


def _class_names(engine: Engine) -> tuple[str, ...]:
    embedded = read_embedded(engine.metadata)
    if embedded is not None:
        return embedded.labels
    return tuple(str(index) for index in range(engine.output.shape[-1] or 0))
