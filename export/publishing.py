"""Moving finished artifacts into the folder where predictors and reviewers find them."""

import shutil
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..benchmarks.datasets import Dataset
from ..runtime.errors import ManifestError, OptionError, OutputError
from ..runtime.files import replacing, sha256_of
from ..runtime.manifest import (
    MANIFEST_NAME,
    REFERENCE_NAME,
    ArtifactRecord,
    Manifest,
    read_manifest,
    write_manifest,
)
from .source import Source

_TOOLS = ("edgemnist", "tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")


def check_target(folder: Path, source: Source, *, overwrite: bool) -> None:
    """Check that publishing to `folder` would not replace another model's files.

    Raises:
        OptionError: It holds artifacts of another model, or another model's file of the same name.
    """
    if overwrite:
        return
    beside = folder / source.path.name
    previous = _previous(folder)
    if (beside.exists() and sha256_of(beside) != source.sha256) or (
        previous is not None and previous.model["sha256"] != source.sha256
    ):
        raise OptionError(
            f"{folder} holds artifacts of another model",
            received=f"{source.path} with sha256 {source.sha256[:12]}…",
            fix="Replace them with --overwrite, or choose another folder with --artifacts.",
        )


def publish(
    staging: Path,
    folder: Path,
    source: Source,
    dataset: Dataset,
    reference: NDArray[np.float32],
    records: tuple[ArtifactRecord, ...],
) -> None:
    """Move artifacts from `staging` to `folder`, each as a whole, and the manifest last.

    Records of the same model's other artifacts stay; artifacts of another model are removed.

    Raises:
        OutputError: The folder cannot be written.
    """
    previous = _previous(folder)
    kept: tuple[ArtifactRecord, ...] = ()
    if previous is not None and previous.model["sha256"] == source.sha256:
        new_files = {record.file for record in records}
        kept = tuple(record for record in previous.artifacts if record.file not in new_files)
    elif previous is not None:
        (folder / MANIFEST_NAME).unlink()
        for record in previous.artifacts:
            (folder / record.file).unlink(missing_ok=True)
    try:
        for record in records:
            (staging / record.file).replace(folder / record.file)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from error
    if source.path.resolve().parent != folder.resolve():
        with replacing(folder / source.path.name) as temporary:
            shutil.copyfile(source.path, temporary)
    with replacing(folder / REFERENCE_NAME) as temporary:
        np.savez_compressed(temporary, probabilities=reference)
    write_manifest(
        folder,
        Manifest(
            model={"name": source.name, "file": source.path.name, "sha256": source.sha256},
            dataset=dataset.sha256,
            tools={tool: metadata.version(tool) for tool in _TOOLS},
            artifacts=tuple(sorted(kept + records, key=lambda record: record.file)),
        ),
    )


def _previous(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder)
    except ManifestError:
        return None
