"""How much faster the trainer is than plain Keras `fit`, and that it learns as well.

`python -m edgemnist.benchmarks.studies.training_speed [--epochs N] [--seeds 0,1,2]`

For each seed, the notebook's recipe runs twice: as anyone would write it (`compile`, `fit`), and by this
project's trainer. Whichever ran second goes first for the next seed, so that a machine that slows down
favours neither.
"""

import dataclasses
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...export.recipe import NOTEBOOK, Recipe
from ...runtime.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..datasets import Dataset


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """One training.

    Attributes:
        total_seconds: From the first epoch's start to the last one's end, compilation included.
        epoch_seconds: The median epoch; compilation falls into the first.
        test_accuracy: Fraction of the test images classified correctly after the last epoch.
    """

    total_seconds: float
    epoch_seconds: float
    test_accuracy: float


def train_plainly(recipe: Recipe, dataset: "Dataset", seed: int) -> Timing:
    """Train as the notebook does."""
    from ...export.backend import keras

    keras.utils.set_random_seed(seed)
    classes = len(dataset.class_names)
    x_train = (dataset.train.images / 255).astype("float32")
    x_test = (dataset.test.images / 255).astype("float32")
    y_train = keras.utils.to_categorical(dataset.train.labels, classes)
    y_test = keras.utils.to_categorical(dataset.test.labels, classes)
    model = keras.Sequential(
        [
            keras.Input(x_train.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    ends = [time.perf_counter()]

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
        def on_epoch_end(self, *_: Any) -> None:
            ends.append(time.perf_counter())

    history = model.fit(
        x_train,
        y_train,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        validation_data=(x_test, y_test),
        verbose=0,
        callbacks=[Clock()],
    )
    return _timing(ends, history.history["val_accuracy"][-1])


def train_with_trainer(recipe: Recipe, dataset: "Dataset", seed: int) -> Timing:
    """Train as `edgemnist train` does."""
    from ...export.training import TrainingRun
    from ...export.training_split import validated_by_test

    run = TrainingRun(recipe, validated_by_test(dataset), seed)
    ends = [time.perf_counter()]
    accuracy = 0.0
    for epoch in run:
        ends.append(time.perf_counter())
        accuracy = epoch.val_accuracy
    return _timing(ends, accuracy)


def main(
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each training.")] = 3,
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "0",
    data: Annotated[Path | None, typer.Option(help="Another data set than MNIST.")] = None,
) -> None:
    """Train by plain Keras and by this project's trainer, and compare time and accuracy."""
    from ...export.training_data import load_dataset

    dataset = load_dataset(data)
    recipe = dataclasses.replace(NOTEBOOK, epochs=epochs)
    ways: list[tuple[str, Callable[[Recipe, Dataset, int], Timing]]] = [
        ("plain fit", train_plainly),
        ("edgemnist", train_with_trainer),
    ]
    timings: dict[str, list[Timing]] = {name: [] for name, _ in ways}
    print(f"{'seed':>4}  {'':<9}  {'total s':>8}  {'s/epoch':>8}  {'test accuracy':>13}")
    for seed in _parsed(seeds):
        for name, train in ways:
            timing = train(recipe, dataset, seed)
            timings[name].append(timing)
            print(
                f"{seed:>4}  {name:<9}  {timing.total_seconds:>8.2f}  {timing.epoch_seconds:>8.3f}"
                f"  {timing.test_accuracy:>13.2%}",
                flush=True,
            )
        ways.reverse()
    plain, ours = timings["plain fit"], timings["edgemnist"]
    total_ratio = _ratio(
        [timing.total_seconds for timing in plain], [timing.total_seconds for timing in ours]
    )
    epoch_ratio = _ratio(
        [timing.epoch_seconds for timing in plain], [timing.epoch_seconds for timing in ours]
    )
    print(f"\n{epochs} epochs, {len(plain)} seeds, plain fit / edgemnist:")
    print(f"  total time, compilation included  {total_ratio:.2f} x")
    print(f"  median epoch                      {epoch_ratio:.2f} x")
    print(f"  mean test accuracy                {_accuracy(plain):.2%} / {_accuracy(ours):.2%}")


def _timing(ends: list[float], accuracy: float) -> Timing:
    epochs = [end - start for start, end in pairwise(ends)]
    return Timing(ends[-1] - ends[0], statistics.median(epochs), accuracy)


def _parsed(seeds: str) -> list[int]:
    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError as error:
        raise OptionError("the seeds are not numbers", received=seeds, expected="such as 0,1,2") from error


def _ratio(plain: list[float], ours: list[float]) -> float:
    return sum(plain) / sum(ours)


def _accuracy(timings: list[Timing]) -> float:
    return statistics.mean(timing.test_accuracy for timing in timings)


if __name__ == "__main__":
    typer.run(main)
