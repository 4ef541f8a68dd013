"""What each ingredient of the edge recipe is worth.

`python -m edgemnist.benchmarks.studies.ablation [--epochs N] [--seeds 0,1,2] [--data PATH]`

Trains the recipe whole, and again without each of its ingredients, from each seed, and compares them on the
images that the recipe holds out of the training set. The test images are never read. With fewer epochs than
the recipe's, every variant is shortened alike, its schedule included. The table is Markdown, for
docs/training.md.
"""

import dataclasses
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...export.recipe import EDGE, NOTEBOOK, Augmentation, Recipe
from .training_speed import parsed_seeds

if TYPE_CHECKING:
    from ...export.training_split import TrainingData
    from ..history import Epoch


def variants(recipe: Recipe) -> dict[str, Recipe]:
    """Return the recipe without each of its ingredients, by what is missing."""
    augmentation = recipe.augmentation
    if augmentation is None:
        raise ValueError("the recipe has no augmentation to take away")

    def bent(**changes: float) -> Augmentation:
        return dataclasses.replace(augmentation, **changes)  # type: ignore[arg-type]

    changes: dict[str, dict[str, object]] = {
        "nothing: the whole recipe": {},
        "augmentation": {"augmentation": None},
        "elastic bending": {"augmentation": bent(elastic=0)},
        "turning, stretching, slanting, shifting": {
            "augmentation": bent(rotation_degrees=0, scale=0, shear=0, shift=0)
        },
        "centring": {"centred": False},
        "weight decay": {"weight_decay": 0.0},
        "the large step size: Keras' 0.001 instead": {"learning_rate": NOTEBOOK.learning_rate},
        "the warm-up and the cosine: a constant step size": {"warmup_epochs": None},
    }
    return {name: dataclasses.replace(recipe, **change) for name, change in changes.items()}  # type: ignore[arg-type]


def last_epoch(recipe: Recipe, data: "TrainingData", seed: int) -> "Epoch":
    """Train, and return the last epoch."""
    from ...export.training import TrainingRun

    epoch = None
    for epoch in TrainingRun(recipe, data, seed):
        print(f"  epoch {epoch.number} of {recipe.epochs}", end="\r", flush=True)
    if epoch is None:
        raise ValueError("the recipe has no epochs")
    return epoch


def main(
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each training.")] = EDGE.epochs,
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "0,1,2",
    data: Annotated[Path | None, typer.Option(help="Another data set than MNIST.")] = None,
) -> None:
    """Train the edge recipe with and without each ingredient, and print the table."""
    from ...export.training_data import load_training_data

    seen = load_training_data(data, EDGE)
    numbers = parsed_seeds(seeds)
    print(f"{epochs} epochs, seeds {seeds}, measured on {len(seen.validation)} held-out training images\n")
    print("| without | validation accuracy | each seed | worth | validation loss | worth |")
    print("|---|---|---|---|---|---|")
    whole: tuple[float, float] | None = None
    for name, recipe in variants(dataclasses.replace(EDGE, epochs=epochs)).items():
        last = [last_epoch(recipe, seen, seed) for seed in numbers]
        accuracy = statistics.mean(epoch.val_accuracy for epoch in last)
        loss = statistics.mean(epoch.val_loss for epoch in last)
        whole = whole or (accuracy, loss)
        each = ", ".join(f"{epoch.val_accuracy:.2%}" for epoch in last)
        print(
            f"| {name} | {accuracy:.2%} | {each} | {100 * (whole[0] - accuracy):+.2f} points"
            f" | {loss:.4f} | {loss - whole[1]:+.4f} |",
            flush=True,
        )


if __name__ == "__main__":
    typer.run(main)
