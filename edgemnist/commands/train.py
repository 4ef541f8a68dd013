"""`edgemnist train`: train the network, and keep the model, its history and two pictures."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..console import messages, results
from ..export.recipe import NOTEBOOK, Recipe
from .options import Artifacts, Data, Json, Seed

MODEL_FILE = "mnist.keras"
HISTORY_FILE = "history.json"
DIGITS_FILE = "digits.png"
CURVES_FILE = "curves.png"

EXAMPLES = """
**Examples**

- `edgemnist train` the notebook's 50 epochs
- `edgemnist train --epochs 5 --seed 1 --artifacts quick`
- `edgemnist train --data fashion-mnist/ --artifacts fashion --json`
"""


def train(
    epochs: Annotated[
        int, typer.Option(min=1, help="How often every training image is seen.")
    ] = NOTEBOOK.epochs,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Images in one step of the optimizer.")
    ] = NOTEBOOK.batch_size,
    learning_rate: Annotated[float, typer.Option(help="Adam's step size, above 0.")] = NOTEBOOK.learning_rate,
    seed: Seed = 0,
    data: Data = None,
    artifacts: Artifacts = Path("artifacts"),
    json: Json = False,
) -> None:
    """Train the network: Flatten, Dense(128, relu), Dense(10, softmax), Adam, categorical cross-entropy.

    The accuracy on the test set after each epoch is shown as validation. The same seed gives the same weights
    on the same machine.

    Writes mnist.keras, history.json, digits.png (the first 25 training images) and curves.png.
    """
    recipe = dataclasses.replace(NOTEBOOK, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    run_training(artifacts, data, recipe, seed)
    if json:
        results.file.write((artifacts / HISTORY_FILE).read_text(encoding="utf-8"))
        return
    for name in (MODEL_FILE, HISTORY_FILE, DIGITS_FILE, CURVES_FILE):
        results.print(artifacts / name, highlight=False, soft_wrap=True)


def ensure_model(artifacts: Path, data: Path | None, seed: int) -> Path:
    """Return the folder's `.keras` file; train it by the notebook's recipe if there is none.

    Raises:
        DatasetError: The data set cannot be read.
        MissingExtraError: TensorFlow or matplotlib is not installed.
        OptionError: The seed is out of range.
        OutputError: A file cannot be written.
    """
    model_path = artifacts / MODEL_FILE
    return model_path if model_path.exists() else run_training(artifacts, data, NOTEBOOK, seed)


def run_training(artifacts: Path, data: Path | None, recipe: Recipe, seed: int) -> Path:
    """Train with progress on stderr, write everything into `artifacts`, and return the `.keras` file's path.

    Raises:
        DatasetError: The data set cannot be read.
        MissingExtraError: TensorFlow or matplotlib is not installed.
        OptionError: The seed is out of range.
        OutputError: A file cannot be written.
    """
    messages.print("Loading TensorFlow and the data set ...")
    from ..export.pictures import draw_curves, draw_digits
    from ..export.training import TrainingRun
    from ..export.training_data import load_dataset
    from ..export.training_record import write_history, write_model
    from .train_progress import follow

    dataset = load_dataset(data)
    # First of all, since an unwritable folder shows at once.
    draw_digits(artifacts / DIGITS_FILE, dataset.train, dataset.class_names)
    run = TrainingRun(recipe, dataset, seed)
    run.model.summary(line_length=78, print_fn=lambda text: messages.out(text, highlight=False))
    epochs = follow(run, recipe.epochs)
    model_path = artifacts / MODEL_FILE
    write_model(model_path, run.model)
    write_history(
        artifacts / HISTORY_FILE,
        model=run.model,
        model_path=model_path,
        recipe=recipe,
        seed=seed,
        dataset=dataset,
        epochs=epochs,
    )
    draw_curves(artifacts / CURVES_FILE, epochs)
    seconds = sum(epoch.seconds for epoch in epochs)
    messages.print(
        f"Trained {run.model.count_params():,} parameters in {seconds:.1f} s: test accuracy "
        f"[bold]{epochs[-1].val_accuracy:.2%}[/] after epoch {epochs[-1].number}. "
        f"Saved {escape(str(model_path))}.",
        highlight=False,
        soft_wrap=True,
    )
    return model_path
