"""A training that can be interrupted at any time and taken up again. Needs no TensorFlow itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from ...data.history import Epoch
from ...runtime.errors import CheckpointError, OutputError
from .checkpoint import RESTART, Checkpoint, State, read_checkpoint, require_origin, write_checkpoint


class Resumable(Protocol):
    """A training whose state between two epochs can be taken out and put back."""

    def __iter__(self) -> Iterator[Epoch]: ...

    def state(self) -> State:
        """Return everything that the next epoch depends on."""

    def restore(self, state: State) -> None:
        """Go on from `state`."""


class SafeTraining:
    """A training that leaves a checkpoint after each epoch, before anyone hears of the epoch.

    Attributes:
        epochs: The finished ones, those before an interruption too.
        resumed_after: The numbers of the epochs after which the training was taken up again.
    """

    def __init__(self, run: Resumable, path: Path, origin: dict[str, Any], *, resume: bool) -> None:
        """Take up the training at `path`, or prepare to begin it.

        Args:
            run: The training, not begun.
            path: The checkpoint.
            origin: What `describe_origin` says of the training.
            resume: Whether to take up the one at `path`; otherwise its first epoch replaces that.

        Raises:
            CheckpointError: There is nothing to resume, it is damaged, or of another training.
        """
        self._run, self._path, self._origin = run, path, origin
        self.epochs: tuple[Epoch, ...] = ()
        self.resumed_after: tuple[int, ...] = ()
        if resume:
            checkpoint = read_checkpoint(path)
            require_origin(path, checkpoint, origin)
            run.restore(checkpoint.state)
            self.epochs = checkpoint.epochs
            self.resumed_after = (*checkpoint.resumed_after, len(checkpoint.epochs))

    def __iter__(self) -> Iterator[Epoch]:
        """Train, and yield each epoch after its checkpoint is written.

        Raises:
            OutputError: The checkpoint cannot be written; the one before is still there.
        """
        for epoch in self._run:
            epochs = (*self.epochs, epoch)
            write_checkpoint(
                self._path, Checkpoint(self._origin, self._run.state(), epochs, self.resumed_after)
            )
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
    """Return whether to resume; refuse to guess where there is an interrupted training.

    Args:
        path: Where the checkpoint is, if there is one.
        resume: True to resume, False to start over, None if nothing was said.

    Raises:
        CheckpointError: Nothing was said and there is an interrupted training, or there is none to resume.
    """
    if resume is None and path.exists():
        checkpoint = read_checkpoint(path)
        recipe, seed = checkpoint.origin["recipe"], checkpoint.origin["seed"]
        raise CheckpointError(
            f"an interrupted training is in {path.parent}: {len(checkpoint.epochs)} of {recipe['epochs']}"
            f" epochs of the recipe {recipe['name']}, seed {seed}",
            fix=f"Go on with --resume. {RESTART}",
        )
    if resume and not path.exists():
        raise CheckpointError(
            f"there is no interrupted training in {path.parent}", fix="Start one without --resume."
        )
    return bool(resume)
