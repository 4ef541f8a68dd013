"""What a training leaves: the model, and the record of how it was trained."""

import dataclasses
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.datasets import Split
from ...data.history import Epoch
from ...runtime.files import replacing, sha256_of, write_text
from .data import TrainingData
from .recipe import Recipe

RECORD_FORMAT = 1
RECORDED_PACKAGES = ("edgemnist", "tensorflow", "keras", "numpy")
AUGMENTING_PACKAGES = ("opencv-python-headless",)


def write_model(path: Path, model: Any) -> None:
    """Save a Keras model as a `.keras` file, with its optimizer, so that it can be evaluated or trained on.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(path) as temporary:
        model.save(temporary)


def describe_origin(recipe: Recipe, seed: int, data: TrainingData) -> dict[str, Any]:
    """Return all that decides how a training ends, as JSON has it: recipe, seed, data and versions."""
    packages = (*RECORDED_PACKAGES, *(AUGMENTING_PACKAGES if recipe.augmentation else ()))
    origin: dict[str, Any] = {
        "recipe": dataclasses.asdict(recipe),
        "seed": seed,
        "data": data.record,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
    }
    return dict(json.loads(json.dumps(origin)))


def describe_test(probabilities: NDArray[np.float32], test: Split) -> dict[str, Any]:
    """Return how a finished network does on the test images, from its `(N, classes)` probabilities."""
    return {
        "images": len(test),
        "accuracy": float((probabilities.argmax(axis=1) == test.known_labels).mean()),
        "sha256": {"test_images": test.inputs_sha256, "test_labels": test.labels_sha256},
    }


def write_history(
    path: Path,
    *,
    model: Any,
    model_path: Path,
    origin: dict[str, Any],
    epochs: Sequence[Epoch],
    resumed_after: Sequence[int],
    test: dict[str, Any],
) -> None:
    """Write `history.json`: which model, from which recipe, seed, data and versions, and how each epoch went.

    Args:
        path: The file to write.
        model: The trained network.
        model_path: Its `.keras` file.
        origin: From `describe_origin`.
        epochs: All of them, those before an interruption too.
        resumed_after: The numbers of the epochs after which the training was interrupted and resumed.
        test: From `describe_test`.

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
        "test": test,
        "seconds": sum(epoch.seconds for epoch in epochs),
        "epochs": [dataclasses.asdict(epoch) for epoch in epochs],
    }
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
