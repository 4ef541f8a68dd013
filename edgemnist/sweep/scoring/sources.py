"""What is to be scored, read block by block: pictures, IDX, .npy, .npz or Parquet, larger than memory.

A source has a length, and any process can read any of its blocks, in which rows keep their numbers.
"""

from functools import partial
from pathlib import Path
from typing import Protocol

from ...data.idx import ANY_AXES, ANY_TYPES, read_array
from ...runtime.errors import InputError
from ...runtime.files import opened
from ...runtime.predictor import Predictor
from .arrays import Array, ArrayStream, mapped, npz_member, open_gzip, open_npz
from .parquet import Parquet
from .parts import SUFFIXES, Parts, parts_in
from .pictures import PICTURES, Pictures, pictures_in
from .rows import BLOCK_BYTES, MAX_ROWS, Rows

_GZIP, _IDX = b"\x1f\x8b", b"\0\0"


class Source(Protocol):
    """What is to be scored."""

    def __len__(self) -> int: ...

    def row_bytes(self) -> int:
        """Return about how much memory a row takes."""

    def read(self, start: int, stop: int, predictor: Predictor) -> Rows:
        """Return the rows from `start` to before `stop`."""


def open_source(path: Path, array: str | None = None) -> Source:
    """Open a file, or a folder of pictures or of files.

    Args:
        path: The file or folder.
        array: Which array of an .npz, or column of a Parquet file; None chooses it by its name.

    Raises:
        InputError: It is nothing that can be scored, or has no such array.
        DatasetError: An IDX file contains something else.
        MissingExtraError: It is Parquet, and pyarrow is not installed.
    """
    if not path.is_dir():
        return _open_file(path, array)
    if pictures := pictures_in(path):
        return Pictures(path, pictures)
    if parts := parts_in(path):
        return Parts(path, parts, partial(_open_file, array=array))
    suffixes = ", ".join((*PICTURES, *SUFFIXES))
    raise InputError(f"nothing to score in {path}", expected=f"files that end with {suffixes}")


def _open_file(path: Path, array: str | None) -> Source:
    try:
        with opened(path) as file:
            start = file.read(4)
    except OSError as error:
        raise InputError(f"{path} cannot be read", received=error.strerror) from error
    if start == b"PAR1":
        return Parquet(path, array)
    if path.suffix == ".npz":
        return ArrayStream(path, partial(open_npz, path, npz_member(path, array)))
    if path.suffix == ".npy":
        return Array(mapped(path))
    if start[:2] == _GZIP:
        return ArrayStream(path, partial(open_gzip, path))
    if start[:2] == _IDX:
        return Array(read_array(path, ANY_AXES, ANY_TYPES))
    raise InputError(
        f"{path} cannot be scored",
        received=f"a file that starts with {start.hex() or 'nothing'}",
        expected="a folder of pictures or of such files, IDX, .npy, .npz or Parquet",
    )


def blocks_of(source: Source) -> list[tuple[int, int]]:
    """Return the first row of each block, and the one after its last."""
    rows = max(1, min(MAX_ROWS, BLOCK_BYTES // max(1, source.row_bytes())))
    return [(start, min(start + rows, len(source))) for start in range(0, len(source), rows)]
