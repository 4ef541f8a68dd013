"""What a finished training leaves in its folder: the model and its record by export, charts by benchmarks."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..benchmarks.report.training.outputs import AUGMENTED_FILE, DIGITS_FILE
from ..benchmarks.report.training.plots import (
    draw_augmented,
    draw_confusion,
    draw_curves,
    draw_digits,
    draw_mistakes,
    draw_reliability,
)
from ..data.datasets import Dataset
from ..data.history import read_history
from ..export.training.checkpoint import SafeTraining
from ..export.training.network import predict
from ..export.training.recipe import Augmentation
from ..export.training.record import write_training
from ..runtime.errors import DatasetError

AUGMENTED_SHOWN, AUGMENTED_VARIANTS = 18, 2


def write_results(model_path: Path, model: Any, training: SafeTraining, dataset: Dataset) -> float:
    """Write the model, its history and its charts, then remove the checkpoint; return the test accuracy.

    Raises:
        DatasetError: The test images are of a class that the training images do not have.
        OutputError: A file cannot be written; the checkpoint is still there, so nothing needs training again.
    """
    folder, test = model_path.parent, dataset.test
    names = tuple(training.origin["data"]["class_names"])
    if dataset.class_names != names:
        raise DatasetError(
            "the test images are of classes that the training images do not have",
            received=dataset.class_names[len(names) :],
            expected=names,
            fix="Give a data set whose training part has every class.",
        )
    probabilities = predict(model, test.images)
    accuracy = write_training(model_path, model, training, probabilities, test)
    draw_digits(folder / DIGITS_FILE, dataset.train, names)
    _draw_augmented(folder / AUGMENTED_FILE, training.origin["recipe"], dataset.train.images)
    draw_curves(folder / "curves.png", [read_history(folder)])
    draw_confusion(folder / "confusion.png", probabilities, test, names)
    draw_mistakes(folder / "mistakes.png", probabilities, test, names)
    draw_reliability(folder / "calibration.png", probabilities, test)
    training.discard()
    return accuracy


def _draw_augmented(path: Path, recipe: dict[str, Any], images: NDArray[np.uint8]) -> None:
    """Draw the first images (N, H, W) with what the recipe's augmentation makes of them, if it has any."""
    if recipe["augmentation"] is None:
        path.unlink(missing_ok=True)  # it would be of an earlier training
        return
    from ..export.training.augmentation import Augmenter

    shown = images[:AUGMENTED_SHOWN]
    augmenter = Augmenter(Augmentation(**recipe["augmentation"]), images.shape[1:])
    draw = np.random.default_rng(0)
    variants = [augmenter.augment(shown, draw) for _ in range(AUGMENTED_VARIANTS)]
    draw_augmented(path, shown, np.stack(variants, axis=1))
