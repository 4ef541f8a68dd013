"""How much faster the trainer is than plain Keras `fit`, and that it learns as well.

`python -m edgemnist.benchmarks.studies.training_speed [--recipe edge] [--epochs N] [--seeds 0,1,2]`

For each seed, the recipe runs as anyone would write it (`compile`, `fit`), and by this project's trainer.
With augmentation there are two ways to write it, each with one `fit` for each set of augmented images,
after it is made: "plain fit" bends one image after the other with OpenCV's functions, "fit, our sets" takes
the sets of this project's augmentation, so that only the trainer differs. The order turns around after each
seed, so that a machine that slows down favours nobody. The accuracy is that on the validation images: for
the notebook's recipe, the test set. The share waited is how long the training step waited for its images.
"""

import dataclasses
import math
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ...export.training.recipe import NOTEBOOK, Augmentation, Recipe, find_recipe
from ...runtime.errors import OptionError
from . import run_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ...export.training.data import TrainingData

    Augment = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]

OURS = "edgemnist"


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
    """Train by Keras alone, as the notebook does, on images that OpenCV bends one by one."""
    augmentation = recipe.augmentation
    augment = partial(bent_one_by_one, ranges=augmentation) if augmentation else None
    return _train_by_fit(recipe, data, seed, augment)


def train_plainly_on_our_sets(recipe: Recipe, data: "TrainingData", seed: int) -> Timing:
    """Train by Keras alone, on images that this project's augmentation bends."""
    from ...export.training.augmentation import Augmenter

    if recipe.augmentation is None:
        raise OptionError("the recipe bends no images", received=recipe.name)
    return _train_by_fit(recipe, data, seed, Augmenter(recipe.augmentation, data.train.input_shape).augment)


def _train_by_fit(recipe: Recipe, data: "TrainingData", seed: int, augment: "Augment | None") -> Timing:
    from ...export.backend import keras
    from ...export.training.network import optimizer

    keras.utils.set_random_seed(seed)
    classes = len(data.class_names)
    images, labels = data.train.array, keras.utils.to_categorical(data.train.known_labels, classes)
    validation = (
        _floats(data.validation.array),
        keras.utils.to_categorical(data.validation.known_labels, classes),
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
    ends = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))
    draw = np.random.default_rng(seed)
    x_train, waited = _floats(images) - mean, 0.0
    # Without augmentation one fit for all epochs, as the notebook has it.
    fits, epochs_each = (recipe.epochs, 1) if augment else (1, recipe.epochs)
    for number in range(fits):
        if augment:
            x_train = _floats(augment(images, draw)) - mean
            waited += time.perf_counter() - ends[-1] if number else 0.0
        history = model.fit(
            x_train,
            labels,
            batch_size=recipe.batch_size,
            epochs=epochs_each,
            validation_data=(validation[0] - mean, validation[1]),
            verbose=0,
            callbacks=[clock],
        ).history
    return _timing(ends, history["val_accuracy"][-1], waited)


def train_with_trainer(recipe: Recipe, data: "TrainingData", seed: int) -> Timing:
    """Train as `edgemnist train` does."""
    from ...export.training.loop import TrainingRun

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
    from ...export.training.data import load_training_data

    numbers = parsed_seeds(seeds)
    chosen = dataclasses.replace(find_recipe(recipe), epochs=epochs)
    seen = load_training_data(data, chosen)
    ways: dict[str, Callable[[Recipe, TrainingData, int], Timing]] = {"plain fit": train_plainly}
    if chosen.augmentation is not None:
        ways["fit, our sets"] = train_plainly_on_our_sets
    ways[OURS] = train_with_trainer
    order = list(ways)
    timings: dict[str, list[Timing]] = {name: [] for name in order}
    print(f"{'seed':>4}  {'':<13}  {'total s':>8}  {'s/epoch':>8}  {'accuracy':>8}  {'waited':>6}")
    # Each in a process of its own, since how many threads TensorFlow has is settled once for a process.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
        for seed in numbers:
            for name in order:
                timing = fresh.submit(ways[name], chosen, seen, seed).result()
                timings[name].append(timing)
                print(
                    f"{seed:>4}  {name:<13}  {timing.total_seconds:>8.2f}  {timing.epoch_seconds:>8.3f}"
                    f"  {timing.accuracy:>8.2%}  {timing.waited_share:>6.1%}",
                    flush=True,
                )
            order.reverse()
    ours = timings.pop(OURS)
    print(
        f"\n{chosen.name}, {epochs} epochs, {len(ours)} seeds: mean validation accuracy {_accuracy(ours):.2%}"
    )
    for name, others in timings.items():
        total = _ratio(others, ours, lambda timing: timing.total_seconds)
        epoch = _ratio(others, ours, lambda timing: timing.epoch_seconds)
        print(f"against {name}: mean validation accuracy {_accuracy(others):.2%}")
        print(f"  total time, compilation included  {total:.2f} x")
        print(f"  median epoch                      {epoch:.2f} x")


def bent_one_by_one(
    images: "NDArray[np.uint8]", draw: np.random.Generator, ranges: Augmentation
) -> "NDArray[np.uint8]":
    """Bend each image `(N, H, W)` as Simard et al. (2003) describe it, by the functions of OpenCV.

    The displacements are white noise smoothed by a Gaussian, which leaves 1 / (2 sqrt(pi) sigma) of its
    standard deviation.
    """
    import cv2

    height, width = images.shape[1:]
    side = max(height, width)
    sigma = ranges.smoothness * side
    strength = ranges.elastic * side * 2 * math.sqrt(math.pi) * sigma
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    bent = np.empty_like(images)
    for number, image in enumerate(images):
        turn = np.deg2rad(draw.uniform(-ranges.rotation_degrees, ranges.rotation_degrees))
        stretch_x, stretch_y = np.exp(draw.uniform(-ranges.scale, ranges.scale, 2))
        slant = draw.uniform(-ranges.shear, ranges.shear)
        shift_x, shift_y = draw.uniform(-ranges.shift, ranges.shift, 2) * side
        noise = draw.standard_normal((height, width, 2), dtype=np.float32)
        bends = cv2.GaussianBlur(noise, (0, 0), sigma) * np.float32(strength)
        cos, sin = math.cos(turn), math.sin(turn)
        columns = cos * stretch_x * x + (cos * slant - sin) * stretch_y * y + shift_x + (width - 1) / 2
        rows = sin * stretch_x * x + (sin * slant + cos) * stretch_y * y + shift_y + (height - 1) / 2
        bent[number] = cv2.remap(
            image,
            (columns + bends[..., 0]).astype(np.float32),
            (rows + bends[..., 1]).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
    return bent


def _floats(images: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    return images.astype(np.float32) / np.float32(255)


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


def _ratio(others: list[Timing], ours: list[Timing], seconds: "Callable[[Timing], float]") -> float:
    return sum(map(seconds, others)) / sum(map(seconds, ours))


def _accuracy(timings: list[Timing]) -> float:
    return statistics.mean(timing.accuracy for timing in timings)


if __name__ == "__main__":
    run_study(main)
