"""`edgemnist train`: train the network, and keep the model, its history and pictures."""

import dataclasses
from contextlib import contextmanager
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..export.training.recipe import NOTEBOOK, Recipe, find_recipe
from ..runtime.errors import OutputError
from .console import messages, print_json, results
from .options import AllowEmptyClasses, Artifacts, Data, Json, Seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..data.history import Epoch
    from ..export.training.resume import SafeTraining

MODEL_FILE = "mnist.keras"
HISTORY_FILE = "history.json"
CHECKPOINT_FILE = "mnist.checkpoint.npz"
PICTURES = ("digits.png", "augmented.png", "curves.png", "confusion.png", "mistakes.png", "calibration.png")

EXAMPLES = """
**Examples**

- `edgemnist train` the notebook's 50 epochs
- `edgemnist train --recipe edge` the same network with a third of the mistakes, in about 6 minutes
- `edgemnist train --epochs 5 --seed 1 --artifacts quick`
- `edgemnist train --resume` goes on after the last finished epoch of an interrupted training
- `edgemnist train --tensorboard logs` to watch it with `tensorboard --logdir logs`
- `edgemnist train --data fashion-mnist/ --artifacts fashion --json`
"""


def train(
    recipe: Annotated[
        str,
        typer.Option(
            metavar="notebook|edge",
            help="How to train: as the notebook does, or for far fewer mistakes of the same small network,"
            " from augmented images.",
        ),
    ] = NOTEBOOK.name,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="How often every training image is seen.", show_default=False)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images in one step of the optimizer.", show_default=False)
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Adam's (largest) step size, above 0.", show_default=False)
    ] = None,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--restart",
            help="Go on with the interrupted training in the artifacts folder, given the same options, or"
            " discard it and start over.",
            show_default=False,
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write TensorBoard logs of each epoch there too."),
    ] = None,
    seed: Seed = 0,
    data: Data = None,
    allow_empty_classes: AllowEmptyClasses = False,
    artifacts: Artifacts = Path("artifacts"),
    json: Json = False,
) -> None:
    """Train the network: Flatten, Dense(128, relu), Dense(10, softmax), Adam, categorical cross-entropy.

    The recipe notebook shows the accuracy on the test set after each epoch as validation. The recipe edge
    holds out a part of the training images for that, and reads the test set once, when the training has
    ended. The other options replace single values of the recipe. The same seed gives the same weights on the
    same machine.

    Writes mnist.keras, history.json and pictures: the first 25 training images, the curves of accuracy and
    loss, the confusion matrix, the misclassified test images and the calibration of the confidences.

    A mnist.keras that is there already is kept in the folder previous. Artifacts stay as they are until
    `edgemnist export` renews them.

    An interrupted training leaves the last finished epoch, and what an earlier training left stays as it was.
    Resumed, it ends with the same weights as one that was not interrupted.
    """
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    chosen = dataclasses.replace(find_recipe(recipe), **changes)
    run_training(
        artifacts,
        data,
        chosen,
        seed,
        resume=resume,
        tensorboard=tensorboard,
        allow_empty_classes=allow_empty_classes,
    )
    if json:
        print_json(loads((artifacts / HISTORY_FILE).read_text(encoding="utf-8")))
        return
    for name in (MODEL_FILE, HISTORY_FILE, *PICTURES):
        if (artifacts / name).exists():  # a recipe may have no augmentation
            results.print(artifacts / name, highlight=False, soft_wrap=True)


def ensure_model(artifacts: Path, data: Path | None, seed: int, *, allow_empty_classes: bool = False) -> Path:
    """Return the folder's `.keras` file; train it by the notebook's recipe if there is none.

    A training that was interrupted is resumed, since it ends as a new one would, and an interrupted export is
    finished first, since the model may be in it.

    Raises:
        CheckpointError: A training by another recipe or seed was interrupted there.
        DatasetError: The data set cannot be read.
        MissingExtraError: TensorFlow or matplotlib is not installed.
        OptionError: The seed is out of range.
        OutputError: A file cannot be written.
    """
    model_path = artifacts / MODEL_FILE
    from ..runtime.artifact.folder import recover

    recover(artifacts)
    if model_path.exists():
        return model_path
    interrupted = (artifacts / CHECKPOINT_FILE).exists()
    return run_training(
        artifacts, data, NOTEBOOK, seed, resume=interrupted, allow_empty_classes=allow_empty_classes
    )


def run_training(
    artifacts: Path,
    data: Path | None,
    recipe: Recipe,
    seed: int,
    *,
    resume: bool | None = None,
    tensorboard: Path | None = None,
    allow_empty_classes: bool = False,
) -> Path:
    """Train with progress on stderr, write everything into `artifacts`, and return the `.keras` file's path.

    Args:
        artifacts: The folder.
        data: The data set; None is MNIST.
        recipe: How to train.
        seed: Of everything drawn at random.
        resume: Whether to go on with the interrupted training in the folder, or to start over; None refuses
            if there is one.
        tensorboard: Where TensorBoard logs go, if anywhere.
        allow_empty_classes: Train although a class number has no training image.

    A model that is there is kept in the folder `previous`.

    Raises:
        CheckpointError: There is an interrupted training and `resume` is None, or none that can be resumed.
        DatasetError: The data set cannot be read.
        MissingExtraError: TensorFlow or matplotlib is not installed.
        OptionError: The seed is out of range.
        OutputError: A file cannot be written.
    """
    from ..export.training.resume import SafeTraining, require_choice
    from ..runtime.artifact.folder import remove_abandoned
    from ..runtime.artifact.manifest import newer_model
    from ..runtime.artifact.previous import keep_model
    from ..runtime.files import require_writable

    checkpoint_path = artifacts / CHECKPOINT_FILE
    resuming = require_choice(checkpoint_path, resume=resume)
    from ..runtime.artifact.folder import recover

    recover(artifacts)
    remove_abandoned(artifacts)
    messages.print("Loading TensorFlow and the data set ...")
    from ..export.training.dataset import check_classes, load_dataset, load_training_data
    from ..export.training.loop import TrainingRun
    from ..export.training.record import describe_origin
    from .train_results import write_results

    if data is not None:
        check_classes(data, allow_empty=allow_empty_classes)
    seen = load_training_data(data, recipe)
    require_writable(artifacts)
    run = TrainingRun(recipe, seen, seed)
    origin = describe_origin(recipe, seed, seen)
    training = SafeTraining(run, checkpoint_path, origin, resume=resuming)
    run.model.summary(line_length=78, print_fn=lambda text: messages.out(text, highlight=False))
    model_path = artifacts / MODEL_FILE
    with _telling_how_to_resume(training, recipe.epochs):
        _train(training, recipe.epochs, tensorboard)
        recover(artifacts)
        kept = keep_model(model_path)
        # Only now, so that nothing before can depend on the test images.
        accuracy = write_results(model_path, run.model, training, origin, load_dataset(data))
    seconds = sum(epoch.seconds for epoch in training.epochs)
    messages.print(
        f"Trained {run.model.count_params():,} parameters in {seconds:.1f} s: test accuracy "
        f"[bold]{accuracy:.2%}[/] after epoch {len(training.epochs)}. "
        f"Saved {escape(str(model_path))}.",
        highlight=False,
        soft_wrap=True,
    )
    for sentence in (f"The former {MODEL_FILE} is kept as {kept}." if kept else "", newer_model(artifacts)):
        if sentence:
            messages.print(sentence, markup=False, highlight=False, soft_wrap=True)
    return model_path


def _train(training: "SafeTraining", total: int, tensorboard: Path | None) -> None:
    from .train_progress import follow

    finished = len(training.epochs)
    if finished:
        messages.print(f"Going on after epoch {finished} of {total}.", highlight=False)
    epochs: Iterable[Epoch] = training
    if tensorboard is not None:
        from ..export.training.tensorboard import logged

        epochs = logged(training, tensorboard, earlier=training.epochs)
    follow(epochs, total, finished)


@contextmanager
def _telling_how_to_resume(training: "SafeTraining", total: int) -> "Iterator[None]":
    """Say what is left and how to go on, where the block is interrupted or cannot write."""
    try:
        yield
    except KeyboardInterrupt:
        if training.epochs:
            messages.print(
                f"Interrupted. Epoch {len(training.epochs)} of {total} is kept: go on with the same command"
                " and --resume.",
                highlight=False,
                soft_wrap=True,
            )
        raise
    except OutputError as error:
        if not training.epochs:
            raise
        raise OutputError(
            error.problem,
            fix=f"{error.fix} Epoch {len(training.epochs)} of {total} is kept: go on with the same command"
            " and --resume.",
        ) from error
