"""Folders of pictures to score."""

from pathlib import Path

from ...runtime.errors import InputError
from ...runtime.predictor import Predictor
from .rows import BLOCK_BYTES, Rows, rows_of

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


class Pictures:
    """Pictures in a folder, by their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
        if not self._paths:
            raise InputError(
                f"no pictures in {folder}", expected=f"files that end with {', '.join(PICTURES)}"
            )

    def __len__(self) -> int:
        return len(self._paths)

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""
        return BLOCK_BYTES // 256

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""
        files = tuple(path.relative_to(self._folder).as_posix() for path in self._paths[start:stop])
        return rows_of(self._paths[start:stop], predictor, files)
