"""What a node computes, as a pure function of bytes: nothing is pickled, and no node sees the results.

The same request gives the same bytes on every machine of one kind: one thread, one process, no state before.
"""

import hashlib
import platform
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ..runtime.artifact.manifest import MANIFEST_NAME, ParityRecord, read_manifest, write_manifest
from ..runtime.errors import DatasetError, EdgeMnistError, OptionError, first_line
from ..runtime.files import sha256_of
from .options import Export, Training

if TYPE_CHECKING:
    from ..export.pipeline import Outcome

MODEL_NAME = "mnist.keras"


class Context(Struct, frozen=True):
    """What every request of a sweep shares.

    Attributes:
        data: The absolute path of the data set; None is MNIST.
        resize: Whether its pictures are resized to the model's input.
        data_sha256: Of the data set, as the node must find it too.
        versions: The versions of what has a part in the bytes, as the node must have them too.
    """

    data: str | None
    resize: bool
    data_sha256: str
    versions: dict[str, str]


class TrainRequest(Struct, frozen=True, tag="train"):
    """Train a model."""

    context: Context
    training: Training


class ExportRequest(Struct, frozen=True, tag="export"):
    """Export a model in some formats, with options that differ in nothing but the format.

    Attributes:
        name: The model's file name.
        model: Its content.
        exports: One or more, each under the key of its point.
    """

    context: Context
    name: str
    model: bytes
    exports: dict[str, Export]


class Trained(Struct, frozen=True):
    """A trained model: its file, its number of parameters, and its accuracy after the last epoch."""

    model: bytes
    parameters: int
    val_accuracy: float


class Exported(Struct, frozen=True):
    """What became of a point.

    Attributes:
        files: The artifact first, then everything that makes a folder of it that can be verified; none where
            the proof failed.
        failures: A sentence for each check that failed.
        size_bytes: Of the artifact.
        parity: How it compares with the Keras model.
        error: Why there is no artifact at all, or "".
    """

    files: dict[str, bytes] = {}
    failures: tuple[str, ...] = ()
    size_bytes: int | None = None
    parity: ParityRecord | None = None
    error: str = ""


class Reply(Struct, frozen=True):
    """The answer to a request: a trained model, or the exports by their keys, or why there are none."""

    trained: Trained | None = None
    exported: dict[str, Exported] = {}
    error: str = ""


Request = TrainRequest | ExportRequest


def run(request: bytes) -> bytes:
    """Answer a request; an error that is expected, such as a full disk here, is an answer too."""
    try:
        reply = _answer(msgspec.msgpack.decode(request, type=Request))
    except (EdgeMnistError, OSError, MemoryError) as error:
        reply = Reply(error=str(error) if isinstance(error, EdgeMnistError) else _named(error))
    except Exception as error:  # noqa: BLE001 - TensorFlow raises errors of all types, and others must go on
        reply = Reply(error=_named(error))
    return msgspec.msgpack.encode(reply)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


def _answer(request: Request) -> Reply:
    context = request.context
    if (found := versions()) != context.versions:
        differing = [name for name in found if found[name] != context.versions.get(name)]
        raise OptionError(
            "this node has other versions than the machine that started the sweep",
            received=", ".join(f"{name} {found[name]}" for name in differing),
            expected=", ".join(f"{name} {context.versions.get(name)}" for name in differing),
            fix="Install the same versions on all nodes.",
        )
    if (found_sha256 := data_sha256(context.data)) != context.data_sha256:
        raise DatasetError(
            "the data set of this node is another one",
            received=f"sha256 {found_sha256} at {context.data}",
            expected=context.data_sha256,
            fix="Give a path that leads to the same files on all nodes.",
        )
    from ..export.backend import start_with_one_thread

    start_with_one_thread()
    return _train(request) if isinstance(request, TrainRequest) else _export(request)


def _train(request: TrainRequest) -> Reply:
    from ..export.training.data import check_classes, load_training_data
    from ..export.training.loop import TrainingRun
    from ..export.training.repeatable import model_bytes

    data = _path(request.context.data)
    if data is not None:
        check_classes(data, allow_empty=False)
    recipe = request.training.found_recipe()
    training = TrainingRun(recipe, load_training_data(data, recipe), request.training.seed)
    *_, last = training
    model = training.model
    return Reply(trained=Trained(model_bytes(model), int(model.count_params()), last.val_accuracy))


def _export(request: ExportRequest) -> Reply:
    from ..export.opening import DataOptions, open_source, record_of, tolerances_of
    from ..export.pipeline import export_all

    first = next(iter(request.exports.values()))
    data = DataOptions(_path(request.context.data), request.context.resize)
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as name:
        model, folder = Path(name, request.name), Path(name, "artifacts")
        model.write_bytes(request.model)
        source, dataset = open_source(
            model,
            data,
            first.signature(),
            calibration_samples=first.calibration_samples,
            seed=first.seed,
            batch=first.batch,
        )
        rows = [
            replace(export.row, tolerances=tolerances_of(export.row, source).replaced(**export.limits()))
            for export in request.exports.values()
        ]
        outcomes = export_all(
            source, rows, dataset, folder, options=first.options(), data=record_of(data, dataset)
        )
        found = {outcome.format.name: outcome for outcome in outcomes}
        return Reply(
            exported={key: _exported(found[export.format], folder) for key, export in request.exports.items()}
        )


def _exported(outcome: "Outcome", folder: Path) -> Exported:
    if outcome.unavailable or outcome.record is None:
        return Exported(failures=outcome.failures, error=outcome.unavailable)
    record = outcome.record
    files = {} if outcome.failures else _files_of(record.file, folder)
    return Exported(files, outcome.failures, record.size_bytes, record.parity)


def _files_of(artifact: str, folder: Path) -> dict[str, bytes]:
    """Return an artifact and all that makes a folder of it alone that can be verified, by file name."""
    from ..export.convert.registry import MADE_OF

    manifest = read_manifest(folder)
    by_name = {record.file: record for record in manifest.artifacts}
    format_name = artifact.removeprefix(Path(manifest.model.file).stem + ".")
    kept = [artifact, manifest.model.file]
    if format_name in MADE_OF:
        kept.append(artifact.removesuffix(format_name) + MADE_OF[format_name])
    records = [by_name[name] for name in dict.fromkeys(kept)]
    names = [name for record in records for name in (record.file, *record.companions)]
    alone = tuple(sorted(records, key=lambda record: record.file))
    write_manifest(folder, msgspec.structs.replace(manifest, artifacts=alone))
    try:
        wanted = [*names, manifest.reference.file, MANIFEST_NAME]
        return {name: (folder / name).read_bytes() for name in dict.fromkeys(wanted)}
    finally:
        write_manifest(folder, manifest)


def versions() -> dict[str, str]:
    """Return the versions here of what has a part in a model's or an artifact's bytes.

    Raises:
        MissingExtraError: One of them is not installed.
    """
    from ..export.versions import tool_versions

    return {"python": platform.python_version()} | tool_versions()


def data_sha256(data: str | None) -> str:
    """Return what names the files of a data set: of one file its sha256, of a folder that of all in it.

    Raises:
        DatasetError: It cannot be read.
    """
    path = _path(data)
    if path is None:
        return "mnist"  # whose files are checked whenever they are read
    try:
        if path.is_file():
            return sha256_of(path)
        files = sorted(file for file in path.rglob("*") if file.is_file())
        names = [f"{file.relative_to(path).as_posix()} {sha256_of(file)}" for file in files]
    except OSError as error:
        raise DatasetError(f"{path} cannot be read", received=error) from error
    if not names:
        raise DatasetError(f"{path} does not exist or is empty", fix="Check the path given with --data.")
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _path(data: str | None) -> Path | None:
    return None if data is None else Path(data)
