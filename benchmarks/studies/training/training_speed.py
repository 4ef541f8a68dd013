"""How much faster the trainer is than plain Keras `fit`, and that it learns as well.

`python -m edgemnist.benchmarks.studies.training.training_speed [--recipe edge] [--epochs N] [--seeds 0,1,2]`

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

from ....export.training.recipe import NOTEBOOK, Augmentation, Recipe, find_recipe
from .. import Seeds, parsed_seeds, run_study, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ....export.training.data import TrainingData

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


def train_by_fit(recipe: Recipe, data: "TrainingData", seed: int, *, our_sets: bool = False) -> Timing:
    """Train by Keras alone, on images that OpenCV bends one by one, or this project's augmentation."""
    from ....export.backend import keras
    from ....export.training.augmentation import Augmenter
    from ....export.training.network import optimizer

    augment: Augment | None = None
    if (ranges := recipe.augmentation) is not None:
        ours = Augmenter(ranges, data.train.input_shape).augment
        augment = ours if our_sets else partial(bent_one_by_one, ranges=ranges)
    keras.utils.set_random_seed(seed)
    classes = len(data.class_names)
    images, labels = data.train.array, keras.utils.to_categorical(data.train.known_labels, classes)
    mean = _floats(images).mean(axis=0) if recipe.centred else 0
    unseen = keras.utils.to_categorical(data.validation.known_labels, classes)
    validation = (_floats(data.validation.array) - mean, unseen)
    model = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(optimizer(recipe, len(images)), "categorical_crossentropy", metrics=["accuracy"])
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
            validation_data=validation,
            verbose=0,
            callbacks=[clock],
        ).history
    return _timing(ends, history["val_accuracy"][-1], waited)


def train_with_trainer(recipe: Recipe, data: "TrainingData", seed: int) -> Timing:
    """Train as `edgemnist train` does."""
    from ....export.training.loop import TrainingRun

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
    seeds: Seeds = "0",
    data: Annotated[Path | None, typer.Option(help="Another data set than MNIST.")] = None,
) -> None:
    """Train by plain Keras and by this project's trainer, and compare time and accuracy."""
    from ....export.training.data import load_training_data

    numbers = parsed_seeds(seeds)
    chosen = dataclasses.replace(find_recipe(recipe), epochs=epochs)
    seen = load_training_data(data, chosen)
    ways: dict[str, Callable[[Recipe, TrainingData, int], Timing]] = {"plain fit": train_by_fit}
    if chosen.augmentation is not None:
        ways["fit, our sets"] = partial(train_by_fit, our_sets=True)
    ways[OURS] = train_with_trainer

    def trained(name: str, number: int) -> Timing:
        # Each in a process of its own, since how many threads TensorFlow has is settled once for a process.
        timing = fresh.submit(ways[name], chosen, seen, numbers[number]).result()
        print(
            f"{numbers[number]:>4}  {name:<13}  {timing.total_seconds:>8.2f}  {timing.epoch_seconds:>8.3f}"
            f"  {timing.accuracy:>8.2%}  {timing.waited_share:>6.1%}",
            flush=True,
        )
        return timing

    print(f"{'seed':>4}  {'':<13}  {'total s':>8}  {'s/epoch':>8}  {'accuracy':>8}  {'waited':>6}")
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
        turns = take_turns({name: partial(trained, name) for name in ways}, len(numbers))
    means = {
        name: np.mean([dataclasses.astuple(one) for one in found], axis=0) for name, found in turns.items()
    }
    total, epoch, accuracy, _ = means.pop(OURS)
    print(f"\n{chosen.name}, {epochs} epochs, {len(numbers)} seeds: mean validation accuracy {accuracy:.2%}")
    for name, (others_total, others_epoch, others_accuracy, _) in means.items():
        print(f"against {name}: mean validation accuracy {others_accuracy:.2%}")
        print(f"  total time, compilation included  {others_total / total:.2f} x")
        print(f"  median epoch                      {others_epoch / epoch:.2f} x")


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


if __name__ == "__main__":
    run_study(main)
