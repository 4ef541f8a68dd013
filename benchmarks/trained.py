"""What a training left in an artifacts folder, for the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .history import HISTORY_FILE, History, read_history

DIGITS_FILE = "digits.png"
AUGMENTED_FILE = "augmented.png"


@dataclass(frozen=True, slots=True)
class Trained:
    """A training and those it is shown beside.

    Attributes:
        histories: The folder's own first.
        digits: The PNG file of training images; None where there is none.
        augmented: The PNG file of augmented images beside their originals; None where there is none.
    """

    histories: tuple[History, ...]
    digits: bytes | None
    augmented: bytes | None


def read_trained(folder: Path, others: Sequence[Path] = ()) -> Trained | None:
    """Return what the training of a folder's model left, or None where nothing is known of it.

    Args:
        folder: The artifacts folder.
        others: Folders of other trainings, or their `history.json`, whose curves are drawn beside.

    Raises:
        ArtifactNotFoundError: One of the others has no `history.json`, or the folder itself where others are
            to be drawn beside it.
        ArtifactError: A `history.json` is damaged.
    """
    if not others and not (folder / HISTORY_FILE).exists():
        return None
    own = read_history(folder)
    return Trained(
        (own, *(read_history(other) for other in others)),
        _content(folder / DIGITS_FILE),
        _content(folder / AUGMENTED_FILE),
    )


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
