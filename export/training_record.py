"""What a training leaves behind: the model, and the record of how it came about."""

import dataclasses
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..benchmarks.datasets import Dataset
from ..runtime.files import replacing, sha256_of, write_text
from .recipe import Recipe
from .training import Epoch

RECORD_FORMAT = 1
RECORDED_PACKAGES = ("edgemnist", "tensorflow", "keras", "numpy")


def write_model(path: Path, model: Any) -> None:
    """Save a Keras model as a `.keras` file, with its optimizer, so that it can be evaluated or trained on.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(path) as temporary:
        model.save(temporary)


def write_history(
    path: Path,
    *,
    model: Any,
    model_path: Path,
    recipe: Recipe,
    seed: int,
    dataset: Dataset,
    epochs: Sequence[Epoch],
) -> None:
    """Write `history.json`: which model, from which recipe, seed, data and versions, and how each epoch went.

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
        "seconds": sum(epoch.seconds for epoch in epochs),
        "epochs": [dataclasses.asdict(epoch) for epoch in epochs],
    }
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
