"""What a training left in an artifacts folder, for the report."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ....data.history import HISTORY_FILE, History, read_history
from ....runtime.errors import ArtifactError
from ....runtime.files import read_limited

DIGITS_FILE = "digits.png"
AUGMENTED_FILE = "augmented.png"
_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_PICTURE_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trained:
    """A training and those it is shown beside.

    Attributes:
        histories: The folder's own first.
        augmented: The PNG file of augmented images beside their originals; None where there is none.
    """

    histories: tuple[History, ...]
    digits: bytes | None
    augmented: bytes | None


def read_trained(folder: Path, others: Sequence[Path] = ()) -> Trained | None:
    """Return what the training of a folder's model left, or None where nothing is known of it.

    `others` are folders of other trainings, or their `history.json`, whose curves are drawn beside.

    Raises:
        ArtifactNotFoundError: One of the others has no `history.json`, or the folder itself where others are
            to be drawn beside it.
        ArtifactError: A `history.json` is damaged.
    """
    if not others and not os.path.lexists(folder / HISTORY_FILE):
        return None
    own = read_history(folder)
    return Trained(
        (own, *(read_history(other) for other in others)),
        _content(folder / DIGITS_FILE),
        _content(folder / AUGMENTED_FILE),
    )


def _content(path: Path) -> bytes | None:
    """Return a PNG file of the folder, and only that, since the page carries its bytes to others."""
    try:
        content = read_limited(path, _MAX_PICTURE_BYTES, inside=path.parent)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read", received=error.strerror, expected="a picture"
        ) from error
    if not content.startswith(_PNG):
        raise ArtifactError(f"{path} is no PNG file", fix="`edgemnist train` writes one.")
    return content
