"""Folders of pictures to score."""

from collections.abc import Sequence
from pathlib import Path

from ...runtime.predictor import Predictor
from .rows import BLOCK_BYTES, Rows, rows_of

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder and the folders in it, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)


class Pictures:
    """Pictures in a folder, by their names."""

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        self._folder, self._paths = folder, paths

    def __len__(self) -> int:
        return len(self._paths)

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""
        return BLOCK_BYTES // 256

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""
        files = tuple(path.relative_to(self._folder).as_posix() for path in self._paths[start:stop])
        return rows_of(self._paths[start:stop], predictor, files)
