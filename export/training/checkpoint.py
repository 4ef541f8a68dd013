"""What an interrupted training leaves: the last finished epoch, in one small file. Needs no TensorFlow.

Keras can save a whole model with its optimizer, but takes longer than a short epoch does.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.history import Epoch
from ...runtime.archives import read_arrays
from ...runtime.errors import CheckpointError, first_line
from ...runtime.files import replacing

CHECKPOINT_FORMAT = 1
_RECORD = "record"
_VARIABLE = "variable/"
RESTART = "Discard it and start over with `edgemnist train --restart`."


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A training between two epochs.

    Attributes:
        finished_epochs: How many.
        variables: Everything that training changes: the network's weights and the optimizer's moments.
        shuffler: The state of the generator that shuffles the examples, as numpy gives it.
    """

    finished_epochs: int
    variables: Mapping[str, NDArray[Any]]
    shuffler: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A training between two epochs, and how it came there.

    Attributes:
        origin: Its recipe, seed, data and versions, as `describe_origin` gives them.
        state: Where it is.
        epochs: How the finished epochs went.
        resumed_after: The numbers of the epochs after which it was taken up again.
    """

    origin: dict[str, Any]
    state: State
    epochs: tuple[Epoch, ...]
    resumed_after: tuple[int, ...]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the one before.

    Raises:
        OutputError: The file cannot be written; the one before is still there.
    """
    record = {
        "format": CHECKPOINT_FORMAT,
        "origin": checkpoint.origin,
        "finished_epochs": checkpoint.state.finished_epochs,
        "shuffler": checkpoint.state.shuffler,
        "epochs": [dataclasses.asdict(epoch) for epoch in checkpoint.epochs],
        "resumed_after": checkpoint.resumed_after,
    }
    arrays: dict[str, Any] = {_RECORD: np.array(json.dumps(record).encode())}
    arrays |= {_VARIABLE + name: array for name, array in checkpoint.state.variables.items()}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


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
            f"{path} is no checkpoint that can be resumed", received=first_line(error), fix=RESTART
        ) from error


def require_origin(path: Path, checkpoint: Checkpoint, origin: dict[str, Any]) -> None:
    """Check that a checkpoint is of the training that is asked for, since only then it ends as if in one go.

    Raises:
        CheckpointError: Its recipe, seed, data or versions are others; the message names both.
    """
    theirs, ours = _flat(checkpoint.origin), _flat(origin)
    others = sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
    if others:
        raise CheckpointError(
            f"the interrupted training in {path.parent} is another one",
            received=", ".join(f"{name} {ours.get(name)}" for name in others),
            expected=", ".join(f"{name} {theirs.get(name)}" for name in others),
            fix=f"Resume it with what it was started with. {RESTART}",
        )


def require_same_arrays(found: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Check that a state fits what it is restored into.

    Raises:
        CheckpointError: It does not.
    """
    found_shapes = {name: array.shape for name, array in found.items()}
    if found_shapes != dict(shapes):
        raise CheckpointError(
            "the checkpoint is of another network or optimizer",
            received=found_shapes,
            expected=dict(shapes),
            fix=RESTART,
        )


def _read(path: Path) -> Checkpoint:
    arrays = read_arrays(path, None, inside=path.parent)
    record = json.loads(arrays.pop(_RECORD).item())
    if record["format"] != CHECKPOINT_FORMAT:
        raise ValueError(f"its format is {record['format']}, not {CHECKPOINT_FORMAT}")
    variables = {name.removeprefix(_VARIABLE): array for name, array in arrays.items()}
    return Checkpoint(
        origin=record["origin"],
        state=State(record["finished_epochs"], variables, record["shuffler"]),
        epochs=tuple(Epoch(**epoch) for epoch in record["epochs"]),
        resumed_after=tuple(record["resumed_after"]),
    )


def _flat(origin: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings, each under its path in words."""
    leaves: dict[str, Any] = {}
    for name, value in origin.items():
        path = f"{prefix}{name.replace('_', ' ')}"
        leaves |= _flat(value, f"{path} ") if isinstance(value, Mapping) else {path: value}
    return leaves
