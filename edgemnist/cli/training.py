"""A training from its data set to the files it leaves, with progress on stderr: for `train` and `export`."""

from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..benchmarks.report.training.outputs import AUGMENTED_FILE, DIGITS_FILE
from ..data.datasets import Dataset
from ..data.history import read_history
from ..export.training.recipe import NOTEBOOK, Augmentation, Recipe
from ..runtime.artifact.folder import recover, remove_abandoned
from ..runtime.artifact.lookup import newer_model
from ..runtime.artifact.previous import keep_model
from ..runtime.errors import DatasetError, OutputError
from ..runtime.files import require_writable
from .console import literal, messages, print_message
from .progress import show_epochs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..data.history import Epoch
    from ..export.training.checkpoint import SafeTraining

MODEL_FILE = "mnist.keras"
CHECKPOINT_FILE = "mnist.checkpoint.npz"
AUGMENTED_SHOWN, AUGMENTED_VARIANTS = 18, 2


def ensure_model(artifacts: Path, data: Path | None, seed: int, *, allow_empty_classes: bool = False) -> Path:
    """Return the folder's `.keras` file; train it by the notebook's recipe if there is none.

    A training that was interrupted is resumed, since it ends as a new one would, and an interrupted export is
    finished first, since the model may be in it. Raises what `run_training` raises.
    """
    model_path = artifacts / MODEL_FILE
    recover(artifacts)
    if model_path.exists():
        return model_path
    interrupted = (artifacts / CHECKPOINT_FILE).exists()
    return run_training(
        artifacts,
        data,
        NOTEBOOK,
        seed,
        resume=interrupted,
        allow_empty_classes=allow_empty_classes,
        how_to_go_on="the same command goes on with the next one",
    )


def run_training(
    artifacts: Path,
    data: Path | None,
    recipe: Recipe,
    seed: int,
    resume: bool | None = None,
    tensorboard: Path | None = None,
    allow_empty_classes: bool = False,
    how_to_go_on: str = "resume with the same command and --resume",
) -> Path:
    """Train, write everything into `artifacts`, and return the `.keras` file's path.

    A model that is there is kept in the folder `previous`. An interrupted training there is resumed or
    discarded as `resume` says; None refuses to do either. Without `data` it is MNIST. `how_to_go_on` is told
    where it is interrupted.

    Raises:
        CheckpointError: There is an interrupted training and `resume` is None, or none that can be resumed.
        DatasetError: The data set cannot be read.
        MissingExtraError: TensorFlow or matplotlib is not installed.
        OptionError: The seed is out of range.
        OutputError: A file cannot be written.
    """
    from ..export.training.checkpoint import SafeTraining, require_choice

    checkpoint_path = artifacts / CHECKPOINT_FILE
    resuming = require_choice(checkpoint_path, resume=resume)
    recover(artifacts)
    remove_abandoned(artifacts)
    print_message("Loading TensorFlow and the data set ...")
    from ..benchmarks.report.training import plots
    from ..export.training.data import check_classes, load_dataset, load_training_data
    from ..export.training.loop import TrainingRun
    from ..export.training.record import describe_origin

    if data is not None:
        check_classes(data, allow_empty=allow_empty_classes)
    training_data = load_training_data(data, recipe)
    require_writable(artifacts)
    run = TrainingRun(recipe, training_data, seed)
    origin = describe_origin(recipe, seed, training_data)
    training = SafeTraining(run, checkpoint_path, origin, resume=resuming)
    run.model.summary(line_length=78, print_fn=lambda text: messages.out(text, highlight=False))
    model_path = artifacts / MODEL_FILE
    with _explaining_how_to_resume(training, recipe.epochs, how_to_go_on):
        finished = len(training.epochs)
        if finished:
            print_message(f"Resuming after epoch {finished} of {recipe.epochs}.")
        epochs: Iterable[Epoch] = training
        if tensorboard is not None:
            from ..export.training.tensorboard import logged

            epochs = logged(training, tensorboard, earlier=training.epochs)
        show_epochs(epochs, recipe.epochs, finished)
        recover(artifacts)
        kept = keep_model(model_path)
        # Only now, so that nothing before can depend on the test images.
        dataset = load_dataset(data)
        accuracy = _write_results(model_path, run.model, training, dataset, plots)
    seconds = sum(epoch.seconds for epoch in training.epochs)
    print_message(
        f"Trained {run.model.count_params():,} parameters in {seconds:.1f} s: test accuracy "
        f"[bold]{accuracy:.2%}[/] after epoch {len(training.epochs)}. Saved {literal(model_path)}."
    )
    if kept:
        print_message(literal(f"The former {MODEL_FILE} is kept as {kept}."))
    if outdated := newer_model(artifacts):
        print_message(literal(outdated))
    return model_path


@contextmanager
def _explaining_how_to_resume(training: "SafeTraining", total: int, how_to_go_on: str) -> "Iterator[None]":
    """Add to an interruption, or a failure to write, which epoch is kept and how to resume."""

    def how() -> str:
        return f"Epoch {len(training.epochs)} of {total} is kept: {how_to_go_on}."

    try:
        yield
    except KeyboardInterrupt as interruption:
        if not training.epochs:
            raise
        raise KeyboardInterrupt(how()) from interruption
    except OutputError as error:
        if not training.epochs:
            raise
        raise OutputError(error.problem, fix=f"{error.fix} {how()}") from error


def _write_results(
    model_path: Path,
    model: Any,
    training: "SafeTraining",
    dataset: Dataset,
    plots: ModuleType,
) -> float:
    """Write the model, its history and its charts, then remove the checkpoint; return the test accuracy.

    `plots` was imported before the training, so that nobody trains in vain where matplotlib is missing.

    Raises:
        DatasetError: The test images are of a class that the training images do not have.
        OutputError: A file cannot be written; the checkpoint is still there, so nothing needs training again.
    """
    from ..export.training.network import predict
    from ..export.training.record import write_training

    folder, test = model_path.parent, dataset.test
    names = tuple(training.origin["data"]["class_names"])
    if dataset.class_names != names:
        raise DatasetError(
            "the test images are of classes that the training images do not have",
            received=dataset.class_names[len(names) :],
            expected=names,
            fix="Give a data set whose training part has every class.",
        )
    probabilities = predict(model, test.array)
    accuracy = write_training(model_path, model, training, probabilities, test)
    plots.draw_digits(folder / DIGITS_FILE, dataset.train, names)
    (folder / AUGMENTED_FILE).unlink(missing_ok=True)  # it may be of an earlier training
    if augmentation := training.origin["recipe"]["augmentation"]:
        from ..export.training.augmentation import Augmenter

        shown = dataset.train.array[:AUGMENTED_SHOWN]
        augmenter = Augmenter(Augmentation(**augmentation), shown.shape[1:])
        draw = np.random.default_rng(0)
        variants = [augmenter.augment(shown, draw) for _ in range(AUGMENTED_VARIANTS)]
        plots.draw_augmented(folder / AUGMENTED_FILE, shown, np.stack(variants, axis=1))
    plots.draw_curves(folder / "curves.png", [read_history(folder)])
    plots.draw_confusion(folder / "confusion.png", probabilities, test, names)
    plots.draw_mistakes(folder / "mistakes.png", probabilities, test, names)
    plots.draw_reliability(folder / "calibration.png", probabilities, test)
    training.discard()
    return accuracy
