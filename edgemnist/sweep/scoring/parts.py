"""A folder of several files to score as one: Parquet, .npy or .npz, in the order of their names."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...runtime.predictor import Predictor
from .rows import Rows

if TYPE_CHECKING:
    from .sources import Source

SUFFIXES = (".parquet", ".npy", ".npz")


def parts_in(folder: Path) -> list[Path]:
    """Return the files of arrays in a folder and the folders in it, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


class Parts:
    """Several files one after the other; the file of each row goes with it, and one of them is open."""

    def __init__(self, folder: Path, paths: Sequence[Path], open_file: "Callable[[Path], Source]") -> None:
        """Open each once for its length; errors as of `open_file`."""
        self._folder, self._paths, self._open = folder, paths, open_file
        lengths, sizes = [], []
        for path in paths:
            source = open_file(path)
            lengths.append(len(source))
            sizes.append(source.row_bytes())
        self._starts = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
        self._row_bytes = max(sizes)
        self._number, self._source = len(paths) - 1, source

    def __len__(self) -> int:
        return int(self._starts[-1])

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""
        return self._row_bytes

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""
        found = list(self._pieces(start, stop, predictor))
        return Rows(
            np.concatenate([rows.raw for rows in found]),
            tuple(error for rows in found for error in rows.errors),
            tuple(file for rows in found for file in rows.files),
        )

    def _pieces(self, start: int, stop: int, predictor: Predictor) -> Iterator[Rows]:
        while start < stop:
            number = int(np.searchsorted(self._starts, start, "right")) - 1
            if number != self._number:
                self._number, self._source = number, self._open(self._paths[number])
            begin, end = int(self._starts[number]), min(stop, int(self._starts[number + 1]))
            rows = self._source.read(start - begin, end - begin, predictor)
            name = self._paths[number].relative_to(self._folder).as_posix()
            yield Rows(rows.raw, rows.errors, (name,) * len(rows.errors))
            start = end
