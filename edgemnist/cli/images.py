"""Images on the command line: which files a person means, and an image as lines of text."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.errors import InputError
from ..runtime.printable import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..runtime import Prediction

STDIN = Path("-")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
_PIXEL_MAX = 255
_BAR_WIDTH = 40


def list_pictures(paths: list[Path]) -> list[Path]:
    """Return the paths with each folder replaced by the pictures right inside it, sorted by name.

    Raises:
        InputError: There are no pictures in a folder.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        pictures = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
        if not pictures:
            raise InputError(f"no pictures in {path}", expected=f"files that end with {', '.join(_SUFFIXES)}")
        found += pictures
    return found


def read_picture(path: Path, max_bytes: int) -> Path | bytes:
    """Return a path as it is, or for `-` the bytes of standard input.

    At most a byte more than `max_bytes` is read, so that a predictor refuses what is too large.
    """
    return sys.stdin.buffer.read(max_bytes + 1) if path == STDIN else path


@dataclass(frozen=True, slots=True)
class Palette:
    """The characters to draw with: `shades` from none to full, and what a `bar` is made of."""

    shades: str
    bar: str

    @classmethod
    def for_encoding(cls, encoding: str) -> "Palette":
        """Return blocks where an encoding has them, else characters that every one has."""
        blocks = cls(" ░▒▓█", "█")
        try:
            blocks.shades.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return cls(" .:*#", "#")
        return blocks


def shades(image: "NDArray[np.uint8]", palette: Palette, columns: int) -> list[str]:
    """Return an image, `(H, W)` uint8, as lines of shaded blocks.

    A pixel is two characters wide, which makes it about square. An image too wide for the columns is drawn
    at half its size, or less.
    """
    step = max(1, -(-2 * image.shape[1] // columns))
    levels = image[::step, ::step].astype(int) * len(palette.shades) // (_PIXEL_MAX + 1)
    return ["".join(palette.shades[level] * 2 for level in row).rstrip() for row in levels]


def bars(prediction: "Prediction", palette: Palette) -> list[str]:
    """Return a bar per class, as long as the class is probable."""
    names = [printable(name) for name in prediction.class_names]
    width = max(map(len, names))
    return [
        f"{name:>{width}} {palette.bar * round(share * _BAR_WIDTH):{_BAR_WIDTH}} {share:6.1%}"
        for name, share in zip(names, prediction.probabilities.tolist(), strict=True)
    ]
