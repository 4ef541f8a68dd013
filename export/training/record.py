"""What a training leaves: the model, and the record of how it was trained."""

import dataclasses
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.datasets import Split
from ...data.history import HISTORY_FILE
from ...runtime.files import replacing, sha256_of, write_text
from .checkpoint import SafeTraining
from .data import TrainingData
from .recipe import Recipe

RECORD_FORMAT = 1
RECORDED_PACKAGES = ("edgemnist", "tensorflow", "keras", "numpy")
AUGMENTING_PACKAGES = ("opencv-python-headless",)


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


def write_training(
    path: Path, model: Any, training: SafeTraining, probabilities: NDArray[np.float32], test: Split
) -> float:
    """Write a trained model to the `.keras` file at `path`, and `history.json` beside it.

    The model is saved with its optimizer, so that it can be evaluated or trained on. Returns its accuracy on
    the test images, for which it has the `(N, classes)` probabilities.

    Raises:
        OutputError: A file cannot be written.
    """
    with replacing(path) as temporary:
        model.save(temporary)
    accuracy = float((probabilities.argmax(axis=1) == test.labels).mean())
    record = {
        "format": RECORD_FORMAT,
        "model": {"file": path.name, "sha256": sha256_of(path), "parameters": model.count_params()},
        **training.origin,
        "resumed_after": training.resumed_after,
        "test": {"images": len(test), "accuracy": accuracy, "sha256": test.hashes("test")},
        "seconds": sum(epoch.seconds for epoch in training.epochs),
        "epochs": [dataclasses.asdict(epoch) for epoch in training.epochs],
    }
    write_text(path.with_name(HISTORY_FILE), json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return accuracy
