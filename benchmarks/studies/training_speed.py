"""How much faster the trainer is than plain Keras `fit`, and that it learns as well.

`python -m edgemnist.benchmarks.studies.training_speed [--recipe edge] [--epochs N] [--seeds 0,1,2]`

For each seed, the recipe runs twice: as anyone would write it (`compile`, `fit`; for the edge recipe, one
`fit` for each augmented set, after it is made), and by this project's trainer. Whichever ran second goes
first for the next seed, so that a machine that slows down favours neither. The accuracy is that on the
validation images: for the notebook's recipe, the test set. The share waited is how long the training step
waited for its images.
"""

import dataclasses
import math
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from ...export.recipe import NOTEBOOK, Recipe, find_recipe
from ...runtime.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ...export.training_split import TrainingData


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """One training.

    Attributes:
        total_seconds: From the first epoch's start to the last one's end, compilation included.
        epoch_seconds: The median epoch; compilation falls into the first.
        accuracy: Fraction of the validation images classified correctly after the last epoch.
        waited_share: Of the epochs after the first, the fraction that the training step waited for images.
    """

    total_seconds: float
    epoch_seconds: float
    accuracy: float
    waited_share: float


def train_plainly(recipe: Recipe, data: "TrainingData", seed: int) -> Timing:
    """Train by Keras alone, as the notebook does."""
    from ...export.augmentation import Augmenter
    from ...export.backend import keras
    from ...export.training import optimizer

    keras.utils.set_random_seed(seed)
    classes = len(data.class_names)
    images, labels = data.train.images, keras.utils.to_categorical(data.train.labels, classes)
    validation = (
        _floats(data.validation.images),
        keras.utils.to_categorical(data.validation.labels, classes),
    )
    mean = _floats(images).mean(axis=0) if recipe.centred else 0
    model = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=optimizer(recipe, len(images)),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    clock = _clock(keras)
    augment = Augmenter(recipe.augmentation, images.shape[1:]).augment if recipe.augmentation else None
    draw = np.random.default_rng(seed)
    x_train, waited = _floats(images) - mean, 0.0
    # Without augmentation one fit for all epochs, as the notebook has it.
    fits, epochs_each = (recipe.epochs, 1) if augment else (1, recipe.epochs)
    for number in range(fits):
        if augment:
            x_train = _floats(augment(images, draw)) - mean
            waited += time.perf_counter() - clock.ends[-1] if number else 0.0
        history = model.fit(
            x_train,
            labels,
            batch_size=recipe.batch_size,
            epochs=epochs_each,
            validation_data=(validation[0] - mean, validation[1]),
            verbose=0,
            callbacks=[clock],
        ).history
    return _timing(clock.ends, history["val_accuracy"][-1], waited)


def train_with_trainer(recipe: Recipe, data: "TrainingData", seed: int) -> Timing:
    """Train as `edgemnist train` does."""
    from ...export.training import TrainingRun

    run = TrainingRun(recipe, data, seed)
    ends, waited = [time.perf_counter()], 0.0
    accuracy = 0.0
    for epoch in run:
        ends.append(time.perf_counter())
        accuracy = epoch.val_accuracy
        waited += epoch.waited_seconds if epoch.number > 1 else 0.0
    return _timing(ends, accuracy, waited)


def main(
    recipe: Annotated[str, typer.Option(metavar="notebook|edge", help="How to train.")] = NOTEBOOK.name,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each training.")] = 3,
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "0",
    data: Annotated[Path | None, typer.Option(help="Another data set than MNIST.")] = None,
) -> None:
    """Train by plain Keras and by this project's trainer, and compare time and accuracy."""
    from ...export.training_data import load_training_data

    chosen = dataclasses.replace(find_recipe(recipe), epochs=epochs)
    seen = load_training_data(data, chosen)
    ways: list[tuple[str, Callable[[Recipe, TrainingData, int], Timing]]] = [
        ("plain fit", train_plainly),
        ("edgemnist", train_with_trainer),
    ]
    timings: dict[str, list[Timing]] = {name: [] for name, _ in ways}
    print(f"{'seed':>4}  {'':<9}  {'total s':>8}  {'s/epoch':>8}  {'accuracy':>8}  {'waited':>6}")
    # Each in a process of its own, since how many threads TensorFlow has is settled once for a process.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
        for seed in parsed_seeds(seeds):
            for name, train in ways:
                timing = fresh.submit(train, chosen, seen, seed).result()
                timings[name].append(timing)
                print(
                    f"{seed:>4}  {name:<9}  {timing.total_seconds:>8.2f}  {timing.epoch_seconds:>8.3f}"
                    f"  {timing.accuracy:>8.2%}  {timing.waited_share:>6.1%}",
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
    print(f"\n{chosen.name}, {epochs} epochs, {len(plain)} seeds, plain fit / edgemnist:")
    print(f"  total time, compilation included  {total_ratio:.2f} x")
    print(f"  median epoch                      {epoch_ratio:.2f} x")
    print(f"  mean validation accuracy          {_accuracy(plain):.2%} / {_accuracy(ours):.2%}")


def _floats(images: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    return images.astype(np.float32) / np.float32(255)


def _clock(keras: Any) -> Any:
    """Return a Keras callback whose `ends` are the times of its creation and of each epoch's end."""

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
        def __init__(self) -> None:
            super().__init__()
            self.ends = [time.perf_counter()]

        def on_epoch_end(self, *_: Any) -> None:
            self.ends.append(time.perf_counter())

    return Clock()


def _timing(ends: list[float], accuracy: float, waited_seconds: float) -> Timing:
    epochs = [end - start for start, end in pairwise(ends)]
    after_first = sum(epochs[1:]) or math.inf
    return Timing(ends[-1] - ends[0], statistics.median(epochs), accuracy, waited_seconds / after_first)


def parsed_seeds(seeds: str) -> list[int]:
    """Return the numbers in `seeds`, which commas separate.

    Raises:
        OptionError: They are no numbers.
    """
    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError as error:
        raise OptionError("the seeds are not numbers", received=seeds, expected="such as 0,1,2") from error


def _ratio(plain: list[float], ours: list[float]) -> float:
    return sum(plain) / sum(ours)


def _accuracy(timings: list[Timing]) -> float:
    return statistics.mean(timing.accuracy for timing in timings)


if __name__ == "__main__":
    typer.run(main)
