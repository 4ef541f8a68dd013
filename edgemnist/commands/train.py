"""`edgemnist train`: train the network, and keep the model, its history and two pictures."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..console import messages, results
from ..export.recipe import NOTEBOOK, Recipe

MODEL_FILE = "mnist.keras"
HISTORY_FILE = "history.json"
DIGITS_FILE = "digits.png"
CURVES_FILE = "curves.png"
DEFAULT_SEED = 0


def train(
    epochs: Annotated[
        int, typer.Option(min=1, help="How often every training image is seen.")
    ] = NOTEBOOK.epochs,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Images in one step of the optimizer.")
    ] = NOTEBOOK.batch_size,
    learning_rate: Annotated[float, typer.Option(help="Adam's step size, above 0.")] = NOTEBOOK.learning_rate,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Decides the first weights and the order of the images.")
    ] = DEFAULT_SEED,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A folder of IDX files (plain or .gz), or an .npz with x_train, y_train, x_test, y_test. "
            "Default: MNIST, which comes with the project.",
        ),
    ] = None,
    artifacts: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to.")] = Path(
        "artifacts"
    ),
    json: Annotated[bool, typer.Option("--json", help="Print the history as one JSON document.")] = False,
) -> None:
    """Train the network and write mnist.keras, history.json, digits.png and curves.png.

    The defaults are the notebook's: Flatten, Dense(128, relu), Dense(10, softmax), Adam, categorical cross-entropy;
    accuracy on the test set after each epoch as validation.

    Examples:
    - `edgemnist train`
    - `edgemnist train --epochs 5 --seed 1 --artifacts runs/quick`
    - `edgemnist train --data fashion-mnist/ --artifacts fashion --json`
    """
    recipe = dataclasses.replace(NOTEBOOK, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    run_training(artifacts, data, recipe, seed)
    if json:
        results.file.write((artifacts / HISTORY_FILE).read_text(encoding="utf-8"))
        return
    for name in (MODEL_FILE, HISTORY_FILE, DIGITS_FILE, CURVES_FILE):
        results.print(artifacts / name, highlight=False, soft_wrap=True)


def run_training(artifacts: Path, data: Path | None, recipe: Recipe, seed: int = DEFAULT_SEED) -> Path:
    """Train, show the progress on stderr, write everything into `artifacts`, and return the `.keras` file's path.

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
    from ..progress import follow

    dataset = load_dataset(data)
    draw_digits(
        artifacts / DIGITS_FILE, dataset.train, dataset.class_names
    )  # finds an unwritable folder at once
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
