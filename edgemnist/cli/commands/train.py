"""`edgemnist train`: train the network, and keep the model, its history and charts."""

import json as json_module
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from ...data.history import HISTORY_FILE
from ...export.training.architectures import DENSE, NETWORKS
from ...export.training.recipe import NOTEBOOK, find_recipe
from ..console import literal, print_json, print_result
from ..options import AllowEmptyClasses, Artifacts, Data, Json, Seed
from ..training import MODEL_FILE, run_training

CHARTS = ("digits.png", "augmented.png", "curves.png", "confusion.png", "mistakes.png", "calibration.png")

EXAMPLES = """
**Examples**

- `edgemnist train` the notebook's 50 epochs
- `edgemnist train --recipe edge` the same network with a third of the mistakes, in about 6 minutes
- `edgemnist train --network cnn --recipe edge` a convolutional network, with the fewest mistakes
- `edgemnist train --epochs 5 --seed 1 --artifacts quick`
- `edgemnist train --resume` continues an interrupted training after its last finished epoch
- `edgemnist train --tensorboard logs` to watch it with `tensorboard --logdir logs`
- `edgemnist train --data fashion-mnist/ --artifacts fashion --json`
"""

_NETWORK_HELP = "What to train: the notebook's dense network, or a small convolutional one."
_RECIPE_HELP = (
    "How to train: as the notebook does, or for far fewer mistakes of the same small network, from augmented"
    " images."
)
_EPOCHS_HELP = "How often every training image is seen."
_BATCH_HELP = "Images in one step of the optimizer."
_RATE_HELP = "Adam's (largest) step size, above 0."
_RESUME_HELP = (
    "Continue the interrupted training in the artifacts folder, with the same options, or discard it and"
    " start over."
)
_TENSORBOARD_HELP = "Write TensorBoard logs of each epoch there too."


def train(
    network: Annotated[str, Option(metavar="|".join(NETWORKS), help=_NETWORK_HELP)] = DENSE.name,
    recipe: Annotated[str, Option(metavar="notebook|edge", help=_RECIPE_HELP)] = NOTEBOOK.name,
    epochs: Annotated[int | None, Option(metavar="N", min=1, help=_EPOCHS_HELP)] = None,
    batch_size: Annotated[int | None, Option(metavar="N", min=1, help=_BATCH_HELP)] = None,
    learning_rate: Annotated[float | None, Option(metavar="X", help=_RATE_HELP)] = None,
    resume: Annotated[bool | None, Option("--resume/--restart", help=_RESUME_HELP)] = None,
    tensorboard: Annotated[Path | None, Option(metavar="DIR", help=_TENSORBOARD_HELP)] = None,
    seed: Seed = 0,
    data: Data = None,
    allow_empty_classes: AllowEmptyClasses = False,
    artifacts: Artifacts = Path("artifacts"),
    json: Json = False,
) -> None:
    """Train a network and draw how it went.

    The network dense is the notebook's: Flatten, Dense(128, relu), Dense(10, softmax). The network cnn has
    convolutions, a fifth of the parameters, and makes fewer mistakes.

    Adam minimizes categorical cross-entropy. The recipe notebook shows the test accuracy after each
    epoch as validation. The recipe edge holds out a part of the training images for that, and reads the test
    set once, when the training has ended. The other options replace single values of the recipe. The same
    seed gives the same weights on the same machine.

    Writes mnist.keras, history.json and charts: the first 25 training images, the curves of accuracy and
    loss, the confusion matrix, the misclassified test images and the reliability of the confidences.

    A mnist.keras that is there already is kept in the folder previous. Artifacts stay as they are until
    `edgemnist export` renews them.

    An interrupted training leaves the last finished epoch, and what an earlier training left stays as it was.
    Resumed, it ends with the same weights as one that was not interrupted.
    """
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    chosen = replace(find_recipe(recipe, network), **changes)
    run_training(artifacts, data, chosen, seed, resume, tensorboard, allow_empty_classes)
    if json:
        print_json(json_module.loads((artifacts / HISTORY_FILE).read_text(encoding="utf-8")))
        return
    for name in (MODEL_FILE, HISTORY_FILE, *CHARTS):
        if (artifacts / name).exists():  # a recipe may have no augmentation
            print_result(literal(artifacts / name))
