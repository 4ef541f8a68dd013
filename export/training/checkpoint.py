"""A training that can be interrupted at any time and resumed: after each epoch it leaves one small file.

Keras can save a whole model with its optimizer, but takes longer than a short epoch does. This needs no
TensorFlow.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...data.history import Epoch
from ...runtime.archives import read_arrays
from ...runtime.errors import CheckpointError, OutputError, first_line
from ...runtime.files import replacing

if TYPE_CHECKING:
    from .loop import TrainingRun

CHECKPOINT_FORMAT = 2
_RESTART = "Discard it and start over with `edgemnist train --restart`."


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A training between two epochs: its attributes of `SafeTraining`, and all variables that it changes."""

    origin: dict[str, Any]
    variables: tuple[NDArray[Any], ...]
    epochs: tuple[Epoch, ...]
    resumed_after: tuple[int, ...]


class SafeTraining:
    """A training that leaves a checkpoint after each epoch, before it yields the epoch.

    Attributes:
        origin: Its recipe, seed, data and versions, from `describe_origin`.
        epochs: The finished ones, those before an interruption too.
        resumed_after: The numbers of the epochs after which the training was resumed.
    """

    def __init__(self, run: "TrainingRun", path: Path, origin: dict[str, Any], *, resume: bool) -> None:
        """Resume the training with the checkpoint at `path`, or prepare one whose first epoch replaces it.

        Raises:
            CheckpointError: There is nothing to resume, it is damaged, or of another training.
        """
        self.origin, self._run, self._path = origin, run, path
        self.epochs: tuple[Epoch, ...] = ()
        self.resumed_after: tuple[int, ...] = ()
        if resume:
            checkpoint = read_checkpoint(path)
            _require_origin(path, checkpoint.origin, origin)
            self.epochs = checkpoint.epochs
            self.resumed_after = (*checkpoint.resumed_after, len(self.epochs))
            try:
                for variable, value in zip(run.variables(), checkpoint.variables, strict=True):
                    variable.assign(value)
            except ValueError as error:
                raise CheckpointError(
                    "the checkpoint is of another network or optimizer",
                    received=first_line(error),
                    fix=_RESTART,
                ) from error
            run.finished_epochs = len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        """Train, and yield each epoch after its checkpoint is written.

        Raises:
            OutputError: The checkpoint cannot be written; the one before is still there.
        """
        for epoch in self._run:
            epochs = (*self.epochs, epoch)
            variables = tuple(variable.numpy() for variable in self._run.variables())
            write_checkpoint(self._path, Checkpoint(self.origin, variables, epochs, self.resumed_after))
            self.epochs = epochs
            yield epoch

    def discard(self) -> None:
        """Remove the checkpoint, since the training is finished and everything is written.

        Raises:
            OutputError: The folder does not allow it.
        """
        try:
            # A killed process leaves what it was writing.
            for path in (self._path, *self._path.parent.glob(f".tmp-*-{self._path.name}")):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot remove {self._path}: {error.strerror or error}") from error


def require_choice(path: Path, *, resume: bool | None) -> bool:
    """Return whether to resume the checkpoint at `path`; refuse to guess where the user did not choose.

    Raises:
        CheckpointError: `resume` is None and there is an interrupted training, or there is none to resume.
    """
    if resume or (resume is None and path.exists()):
        checkpoint = read_checkpoint(path)
        if resume is None:
            recipe, seed = checkpoint.origin["recipe"], checkpoint.origin["seed"]
            raise CheckpointError(
                f"an interrupted training is in {path.parent}: {len(checkpoint.epochs)} of {recipe['epochs']}"
                f" epochs of the recipe {recipe['name']}, seed {seed}",
                fix=f"Go on with --resume. {_RESTART}",
            )
    return bool(resume)


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the one before.

    Raises:
        OutputError: The file cannot be written; the one before is still there.
    """
    record = {
        "format": CHECKPOINT_FORMAT,
        "origin": checkpoint.origin,
        "epochs": [dataclasses.asdict(epoch) for epoch in checkpoint.epochs],
        "resumed_after": checkpoint.resumed_after,
    }
    encoded = np.array(json.dumps(record).encode())
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, *checkpoint.variables, record=encoded)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: There is none, or it is damaged or written by another version.
    """
    try:
        return _read(path)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"there is no interrupted training in {path.parent}", fix="Start one without --resume."
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} is no checkpoint that can be resumed", received=first_line(error), fix=_RESTART
        ) from error


def _read(path: Path) -> Checkpoint:
    arrays = read_arrays(path, None, inside=path.parent)
    record = json.loads(arrays.pop("record").item())
    if record["format"] != CHECKPOINT_FORMAT:
        raise ValueError(f"its format is {record['format']}, not {CHECKPOINT_FORMAT}")
    return Checkpoint(
        record["origin"],
        tuple(arrays[f"arr_{place}"] for place in range(len(arrays))),
        tuple(Epoch(**epoch) for epoch in record["epochs"]),
        tuple(record["resumed_after"]),
    )


def _require_origin(path: Path, found: dict[str, Any], origin: dict[str, Any]) -> None:
    """Check that a checkpoint is of the training that is asked for: only that ends as if in one go."""
    theirs, ours = _leaves(found), _leaves(origin)
    others = sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
    if others:
        raise CheckpointError(
            f"the interrupted training in {path.parent} is another one",
            received=", ".join(f"{name} {ours.get(name)}" for name in others),
            expected=", ".join(f"{name} {theirs.get(name)}" for name in others),
            fix=f"Resume it with what it was started with. {_RESTART}",
        )


def _leaves(origin: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings, each under its path in words."""
    leaves: dict[str, Any] = {}
    for name, value in origin.items():
        path = f"{prefix}{name.replace('_', ' ')}"
        leaves |= _leaves(value, f"{path} ") if isinstance(value, Mapping) else {path: value}
    return leaves
