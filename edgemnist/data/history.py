"""`history.json`: how a network was trained, as `edgemnist train` records it. Needs no TensorFlow."""

import math
from dataclasses import dataclass, fields
from pathlib import Path

from ..runtime.errors import ArtifactError, ArtifactNotFoundError
from ..runtime.reading import read_json

HISTORY_FILE = "history.json"
_LARGEST = 1e12  # of any figure: a loss, a time in seconds, a number


@dataclass(frozen=True, slots=True)
class Epoch:
    """One finished epoch.

    Losses are categorical cross-entropy in nats; accuracies are fractions. Those of the training images are
    means over the epoch, each batch measured before its step, as Keras reports them.

    Attributes:
        number: From 1.
        loss: On the training images.
        accuracy: On the training images.
        val_loss: On the validation images, after the epoch.
        val_accuracy: On the validation images, after the epoch.
        seconds: Wall time of the epoch and its validation.
        learning_rate: The optimizer's, after the epoch.
        waited_seconds: How long of it the training step waited for its images.
    """

    number: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float
    learning_rate: float
    waited_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """A finished training.

    Attributes:
        recipe: The name of its recipe.
        seed: Of everything drawn at random.
        model_sha256: Of the `.keras` file it left.
        epochs: In order, at least one.
    """

    recipe: str
    seed: int
    model_sha256: str
    epochs: tuple[Epoch, ...]

    @property
    def name(self) -> str:
        """What people call it: its recipe and seed."""
        return f"{self.recipe}, seed {self.seed}"


def read_history(path: Path) -> History:
    """Read a `history.json`, or the one in a folder.

    Raises:
        ArtifactNotFoundError: There is none.
        ArtifactError: It is no record of a training.
    """
    file = path / HISTORY_FILE if path.is_dir() else path
    try:
        record = read_json(file, inside=path if path.is_dir() else None)
        epochs = tuple(_epoch(entry) for entry in record["epochs"])
        history = History(
            str(record["recipe"]["name"]), int(record["seed"]), str(record["model"]["sha256"]), epochs
        )
    except FileNotFoundError as error:
        raise ArtifactNotFoundError(
            f"no such file: {file}", fix=f"`edgemnist train` writes {HISTORY_FILE}."
        ) from error
    except (OSError, ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        raise ArtifactError(
            f"{file} is no record of a training", received=error, fix="`edgemnist train` writes one."
        ) from error
    if not history.epochs:
        raise ArtifactError(f"{file} records no finished epoch", fix="`edgemnist train` writes one.")
    return history


def _epoch(entry: dict[str, float]) -> Epoch:
    """Return an epoch as it was recorded; earlier versions did not record the learning rate."""
    figures = {field.name: float(entry[field.name]) for field in fields(Epoch) if field.name in entry}
    epoch = Epoch(**{"learning_rate": math.nan, **figures, "number": int(entry["number"])})  # type: ignore[arg-type]
    shares = (epoch.accuracy, epoch.val_accuracy)
    # A training that went astray has losses of NaN; its accuracies are still shares.
    wild = [value for value in figures.values() if not (math.isnan(value) or 0 <= value <= _LARGEST)]
    if wild or not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"an epoch of {figures}")
    return epoch
