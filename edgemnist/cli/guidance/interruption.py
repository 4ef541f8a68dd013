"""What an interrupted command leaves, for the message that says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...runtime.artifact.folder import recover
from ...runtime.artifact.settling import state_of


@contextmanager
def saying_what_is_kept(sentence: str) -> Iterator[None]:
    """Let an interruption that says nothing itself say that."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        if interruption.args:
            raise
        raise KeyboardInterrupt(sentence) from interruption


@contextmanager
def an_export(folder: Path) -> Iterator[None]:
    """Let an interruption say whether the artifacts are those from before; a whole new set is kept."""
    before = state_of(folder)
    try:
        yield
    except KeyboardInterrupt as interruption:
        if interruption.args:
            raise
        recover(folder)
        kept = (
            f"The export was complete: the artifacts in {folder} are the new ones."
            if state_of(folder) != before
            else f"Nothing of this export is kept, and all that was in {folder} is as it was."
        )
        raise KeyboardInterrupt(kept) from interruption
