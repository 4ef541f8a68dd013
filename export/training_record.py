"""What a training leaves behind: the model, and the record of how it came about."""

import dataclasses
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..benchmarks.datasets import Dataset
from ..benchmarks.history import Epoch
from ..runtime.files import replacing, sha256_of, write_text
from .recipe import Recipe

RECORD_FORMAT = 1
RECORDED_PACKAGES = ("edgemnist", "tensorflow", "keras", "numpy")


def write_model(path: Path, model: Any) -> None:
    """Save a Keras model as a `.keras` file, with its optimizer, so that it can be evaluated or trained on.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(path) as temporary:
        model.save(temporary)


def describe_origin(recipe: Recipe, seed: int, dataset: Dataset) -> dict[str, Any]:
    """Return all that decides how a training ends, as JSON has it: recipe, seed, data and versions."""
    origin = {
        "recipe": dataclasses.asdict(recipe),
        "seed": seed,
        "data": {
            "train_images": len(dataset.train),
            "test_images": len(dataset.test),
            "class_names": dataset.class_names,
            "sha256": dataset.sha256,
        },
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in RECORDED_PACKAGES},
    }
    as_json: dict[str, Any] = json.loads(json.dumps(origin))
    return as_json


def write_history(
    path: Path,
    *,
    model: Any,
    model_path: Path,
    origin: dict[str, Any],
    epochs: Sequence[Epoch],
    resumed_after: Sequence[int],
) -> None:
    """Write `history.json`: which model, from which recipe, seed, data and versions, and how each epoch went.

    Args:
        path: The file to write.
        model: The trained network.
        model_path: Its `.keras` file.
        origin: What `describe_origin` says.
        epochs: All of them, those before an interruption too.
        resumed_after: The numbers of the epochs after which the training was interrupted and taken up again.

    Raises:
        OutputError: The file cannot be written.
    """
    record = {
        "format": RECORD_FORMAT,
        "model": {
            "file": model_path.name,
            "sha256": sha256_of(model_path),
            "parameters": model.count_params(),
        },
        **origin,
        "resumed_after": list(resumed_after),
        "seconds": sum(epoch.seconds for epoch in epochs),
        "epochs": [dataclasses.asdict(epoch) for epoch in epochs],
    }
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
