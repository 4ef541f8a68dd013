"""Which pictures a person means: files, the pictures in a folder, or standard input."""

import sys
from pathlib import Path

from ..runtime.errors import InputError

STDIN = Path("-")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


def listed(paths: list[Path]) -> list[Path]:
    """Return the paths with each folder replaced by the pictures right inside it, sorted by name.

    Raises:
        InputError: There are no pictures in a folder.
    """
    return [picture for path in paths for picture in (_inside(path) if path.is_dir() else [path])]


def content_of(path: Path, max_bytes: int) -> Path | bytes:
    """Return what a predictor takes for a path: the path itself, or what standard input holds for `-`.

    Args:
        path: A file, or `STDIN`.
        max_bytes: Largest picture; a byte more than that is read, so that a predictor refuses it.
    """
    return sys.stdin.buffer.read(max_bytes + 1) if path == STDIN else path


def _inside(folder: Path) -> list[Path]:
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not pictures:
        raise InputError(f"no pictures in {folder}", expected=f"files that end with {', '.join(_SUFFIXES)}")
    return pictures
