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
from ..data.history import HISTORY_FILE, read_history
from ..export.training.checkpoint import SafeTraining
from ..export.training.network import predict
from ..export.training.recipe import Augmentation
from ..export.training.record import describe_test, write_history, write_model
from ..runtime.errors import DatasetError

AUGMENTED_SHOWN, AUGMENTED_VARIANTS = 18, 2


def write_results(
    model_path: Path, model: Any, training: SafeTraining, origin: dict[str, Any], dataset: Dataset
) -> float:
    """Write the model, its history and its charts, then remove the checkpoint.

    Returns the test accuracy, a fraction; `origin` is what `describe_origin` recorded before the training.

    Raises:
        DatasetError: The test images are of a class that the training images do not have.
        OutputError: A file cannot be written; the checkpoint is still there, so nothing needs training again.
    """
    folder, test = model_path.parent, dataset.test
    names = tuple(origin["data"]["class_names"])
    if dataset.class_names != names:
        raise DatasetError(
            "the test images are of classes that the training images do not have",
            received=dataset.class_names[len(names) :],
            expected=names,
            fix="Give a data set whose training part has every class.",
        )
    history_path = folder / HISTORY_FILE
    probabilities = predict(model, test.inputs)
    tested = describe_test(probabilities, test)
    write_model(model_path, model)
    write_history(
        history_path,
        model=model,
        model_path=model_path,
        origin=origin,
        epochs=training.epochs,
        resumed_after=training.resumed_after,
        test=tested,
    )
    draw_digits(folder / DIGITS_FILE, dataset.train, names)
    _draw_augmented(folder / AUGMENTED_FILE, origin["recipe"], dataset.train.inputs)
    draw_curves(folder / "curves.png", [read_history(history_path)])
    draw_confusion(folder / "confusion.png", probabilities, test, names)
    draw_mistakes(folder / "mistakes.png", probabilities, test, names)
    draw_reliability(folder / "calibration.png", probabilities, test)
    training.discard()
    return float(tested["accuracy"])


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
