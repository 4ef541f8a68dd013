"""`history.json`: how a network was trained, as `edgemnist train` records it. Needs no TensorFlow."""

import math
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from ..runtime.errors import ArtifactError, ArtifactNotFoundError
from ..runtime.files import read_json

HISTORY_FILE = "history.json"
_FIX = f"`edgemnist train` writes {HISTORY_FILE}."
_LARGEST = 1e12  # of any metric: a loss, a time in seconds, a number
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One finished epoch.

    Losses are categorical cross-entropy in nats. Those of the training images are means over the epoch, each
    batch measured before its step, as Keras reports them.

    Attributes:
        number: From 1.
        loss, accuracy: On the training images; NaN in a training that diverged.
        val_loss, val_accuracy: On the validation images, after the epoch.
        seconds: Wall time of the epoch and its validation.
        learning_rate: The optimizer's, after the epoch; NaN where an earlier version did not record it.
        waited_seconds: How long the training step waited for its images.
    """

    number: int
    loss: float
    accuracy: _Share
    val_loss: float
    val_accuracy: _Share
    seconds: float
    learning_rate: float = math.nan
    waited_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """A finished training.

    Attributes:
        recipe: The name of its recipe.
        model_sha256: Of the resulting `.keras` file.
        epochs: In order, at least one.
    """

    recipe: str
    seed: int
    model_sha256: str
    epochs: tuple[Epoch, ...]

    @property
    def name(self) -> str:
        """Its recipe and seed."""
        return f"{self.recipe}, seed {self.seed}"


class _Recipe(msgspec.Struct, frozen=True):
    name: str


class _Model(msgspec.Struct, frozen=True):
    sha256: str


class _Record(msgspec.Struct, frozen=True):
    recipe: _Recipe
    seed: int
    model: _Model
    epochs: tuple[Epoch, ...]


def read_history(path: Path) -> History:
    """Read a `history.json`, or the one in a folder.

    Raises:
        ArtifactNotFoundError: There is none.
        ArtifactError: It is not a record of a training.
    """
    file = path / HISTORY_FILE if path.is_dir() else path
    try:
        document = read_json(file, inside=path if path.is_dir() else None)
        record = msgspec.convert(document, _Record)
        for epoch in record.epochs:
            _require_plausible(epoch)
    except FileNotFoundError as error:
        raise ArtifactNotFoundError(f"no such file: {file}", fix=_FIX) from error
    except (OSError, ValueError, OverflowError) as error:  # msgspec.ValidationError is a ValueError
        raise ArtifactError(f"{file} is not a record of a training", received=error, fix=_FIX) from error
    if not record.epochs:
        raise ArtifactError(f"{file} records no finished epoch", fix=_FIX)
    return History(record.recipe.name, record.seed, record.model.sha256, record.epochs)


def _require_plausible(epoch: Epoch) -> None:
    if not all(math.isnan(value) or 0 <= value <= _LARGEST for value in astuple(epoch)):
        raise ValueError(f"an epoch of {epoch}")
