"""What a finished training leaves in its folder."""

from pathlib import Path
from typing import Any

from ..benchmarks.datasets import Dataset
from ..benchmarks.history import HISTORY_FILE, read_history
from ..benchmarks.report.training_pictures import (
    draw_calibration,
    draw_confusion,
    draw_curves,
    draw_digits,
    draw_mistakes,
)
from ..export.model import answers
from ..export.resuming import SafeTraining
from ..export.training_record import write_history, write_model


def write_results(
    model_path: Path, model: Any, training: SafeTraining, origin: dict[str, Any], dataset: Dataset
) -> None:
    """Write the model, its history and the pictures of it, then remove the checkpoint.

    Args:
        model_path: Where the `.keras` file goes; the others go beside it.
        model: The trained network.
        training: The training, all its epochs finished.
        origin: What `describe_origin` says of it.
        dataset: What it was trained and is tested on.

    Raises:
        OutputError: A file cannot be written; the checkpoint is still there, so nothing needs training again.
    """
    folder, names, test = model_path.parent, dataset.class_names, dataset.test
    history_path = folder / HISTORY_FILE
    probabilities = answers(model, test.images)
    write_model(model_path, model)
    write_history(
        history_path,
        model=model,
        model_path=model_path,
        origin=origin,
        epochs=training.epochs,
        resumed_after=training.resumed_after,
    )
    draw_digits(folder / "digits.png", dataset.train, names)
    draw_curves(folder / "curves.png", [read_history(history_path)])
    draw_confusion(folder / "confusion.png", probabilities, test, names)
    draw_mistakes(folder / "mistakes.png", probabilities, test, names)
    draw_calibration(folder / "calibration.png", probabilities, test)
    training.discard()
