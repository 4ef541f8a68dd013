"""What each ingredient of the edge recipe is worth.

`python -m edgemnist.benchmarks.studies.training.ablation [--epochs N] [--seeds 0,1,2] [--without PART]...`

Trains the recipe whole, and again without each of its ingredients, from each seed, and compares them on the
images that the recipe holds out of the training set. The test images are never read. With fewer epochs than
the recipe's, every variant is shortened alike, its schedule included. It prints Markdown; `ablation.md`
beside this file was printed by it.
"""

import dataclasses
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from ....export.training.recipe import EDGE, NOTEBOOK, Augmentation, Recipe
from ....runtime.errors import OptionError
from ...report.units import percent
from .. import Seeds, parsed_seeds, run_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from ....data.history import Epoch
    from ....export.training.data import TrainingData


NOTHING = "nothing"
LEGEND = f"""\
Affine bends turn, stretch, slant and shift. Without the large step size it is {NOTEBOOK.learning_rate}, as in
the notebook; without the schedule it is constant. A gain is what the recipe has with the ingredient and lacks
without it."""


def variants(recipe: Recipe) -> dict[str, Recipe]:
    """Return the recipe without each of its ingredients, by what is missing."""
    augmentation = recipe.augmentation
    if augmentation is None:
        raise ValueError("the recipe has no augmentation to take away")

    def bent(**changes: float) -> Augmentation:
        return dataclasses.replace(augmentation, **changes)

    changes: dict[str, dict[str, object]] = {
        NOTHING: {},
        "augmentation": {"augmentation": None},
        "elastic bends": {"augmentation": bent(elastic=0)},
        "affine bends": {"augmentation": bent(rotation_degrees=0, scale=0, shear=0, shift=0)},
        "centring": {"centred": False},
        "weight decay": {"weight_decay": 0.0},
        "large step size": {"learning_rate": NOTEBOOK.learning_rate},
        "schedule": {"warmup_epochs": None},
    }
    return {name: dataclasses.replace(recipe, **change) for name, change in changes.items()}  # type: ignore[arg-type]


def last_epoch(recipe: Recipe, data: "TrainingData", seed: int, on_epoch: "Callable[[], None]") -> "Epoch":
    """Train, and return the last epoch; `on_epoch` is called after each one."""
    from ....export.training.loop import TrainingRun

    epochs = []
    for epoch in TrainingRun(recipe, data, seed):
        epochs.append(epoch)
        on_epoch()
    return epochs[-1]


def _chosen(recipes: dict[str, Recipe], without: list[str] | None) -> dict[str, Recipe]:
    """Return the whole recipe and the variants without some ingredients; without each, if none is named."""
    if unknown := set(without or ()) - set(recipes):
        allowed = ", ".join(name for name in recipes if name != NOTHING)
        raise OptionError("no such ingredient", received=", ".join(sorted(unknown)), expected=allowed)
    return {name: recipe for name, recipe in recipes.items() if not without or name in (NOTHING, *without)}


def main(
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each training.")] = EDGE.epochs,
    seeds: Seeds = "0,1,2",
    without: Annotated[list[str] | None, typer.Option(help="Only this ingredient; may be repeated.")] = None,
    data: Annotated[Path | None, typer.Option(help="Another data set than MNIST.")] = None,
) -> None:
    """Train the edge recipe with and without each ingredient, and print the table."""
    from ....export.training.data import load_training_data

    seen = load_training_data(data, EDGE)
    numbers = parsed_seeds(seeds)
    recipes = _chosen(variants(dataclasses.replace(EDGE, epochs=epochs)), without)
    print(f"{epochs} epochs, seeds {seeds}, measured on {len(seen.validation):,} held-out training images.\n")
    print("| without | validation accuracy | each seed | gain | validation loss | gain |")
    print("|---|---|---|---|---|---|", flush=True)
    whole: tuple[float, float] | None = None
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=len(recipes) * len(numbers) * epochs)
        for name, recipe in recipes.items():
            bar.update(task, description=f"without {name}")
            last = [last_epoch(recipe, seen, seed, lambda: bar.advance(task)) for seed in numbers]
            accuracy = statistics.mean(epoch.val_accuracy for epoch in last)
            loss = statistics.mean(epoch.val_loss for epoch in last)
            whole = whole or (accuracy, loss)
            each = ", ".join(percent(epoch.val_accuracy) for epoch in last)
            print(
                f"| {name} | {percent(accuracy)} | {each} | {100 * (whole[0] - accuracy):+.2f} points"
                f" | {loss:.4f} | {loss - whole[1]:+.4f} |",
                flush=True,
            )
    print(f"\n{LEGEND}")


if __name__ == "__main__":
    run_study(main)
