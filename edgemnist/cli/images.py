"""What `predict` reads and draws: which files a person means, rows of numbers, an image as lines of text."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..runtime.errors import InputError
from ..runtime.printable import printable
from ..runtime.signature import PIXEL_VALUES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..runtime import Prediction
    from ..runtime.signature import InputSpec

STDIN = Path("-")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
_ARRAYS = (".csv", ".npy", ".npz")
_WANTED_ARRAYS = ("x_test", "x", "features")
_ROW_AXES = 2
_BAR_WIDTH = 40


def list_files(paths: list[Path], spec: "InputSpec") -> list[Path]:
    """Return the paths with each folder replaced by the files of input right inside it, sorted by name.

    Raises:
        InputError: There are none in a folder.
    """
    suffixes = _PICTURES if spec.kind == "image" else _ARRAYS
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in suffixes)
        if not inside:
            what = "pictures" if spec.kind == "image" else "features"
            raise InputError(f"no {what} in {path}", expected=f"files that end with {', '.join(suffixes)}")
        found += inside
    return found


def read_input(path: Path, spec: "InputSpec", max_bytes: int) -> "Path | bytes | NDArray[Any]":
    """Return what a predictor gets for a file: a picture's path or bytes, or the numbers in an array's file.

    Raises:
        InputError: It is no picture and has no numbers either, or none of the model's shape.
        DatasetError: A .csv file cannot be read.
    """
    if path.suffix.lower() in _ARRAYS:
        return _in_shape(_read_array(path, spec), spec.shape)
    if spec.kind == "features":
        raise InputError(
            f"{path} has no features that can be read",
            received=f"a file that ends with {path.suffix or 'nothing'}"
            if path != STDIN
            else "standard input",
            expected=f"{', '.join(_ARRAYS)} with numbers of shape {spec.shape}, one row for each item",
        )
    return read_picture(path, max_bytes)


def _read_array(path: Path, spec: "InputSpec") -> "NDArray[Any]":
    import numpy as np

    from ..data.csv_files import read_features
    from ..runtime.archives import array_names, read_array, read_arrays

    if path.suffix.lower() == ".csv":
        rows = read_features(path)
        pixels = rows.astype(np.uint8) if spec.kind == "image" else rows
        return pixels if np.array_equal(pixels, rows) else rows
    try:
        if path.suffix.lower() == ".npy":
            return read_array(path)
        names = array_names(path)
        name = next((name for name in _WANTED_ARRAYS if name in names), names[0])
        if len(names) > 1 and name not in _WANTED_ARRAYS:
            raise InputError(
                f"{path} has several arrays",
                received=", ".join(map(printable, names[:8])),
                expected=f"one array, or one that is called {' or '.join(_WANTED_ARRAYS)}",
            )
        return read_arrays(path, (name,))[name]
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}") from error
    except (OSError, IndexError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} has no array that can be read", received=printable(error)) from error


def _in_shape(array: "NDArray[Any]", shape: tuple[int, ...]) -> "NDArray[Any]":
    """Return rows of as many numbers as an item has as items; anything else as it is."""
    if 0 < array.ndim <= _ROW_AXES and array.shape[-1] == math.prod(shape):
        return array.reshape(*array.shape[:-1], *shape)
    return array


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
    """Return an image, `(H, W)` or `(H, W, C)` uint8, as lines of shaded blocks.

    A pixel is two characters wide, which makes it about square. An image too wide for the columns is drawn
    at half its size, or less. Of several channels the mean is drawn.
    """
    image = image.mean(axis=2).astype(image.dtype) if image.ndim > _ROW_AXES else image
    step = max(1, -(-2 * image.shape[1] // columns))
    levels = image[::step, ::step].astype(int) * len(palette.shades) // PIXEL_VALUES
    return ["".join(palette.shades[level] * 2 for level in row).rstrip() for row in levels]


def bars(prediction: "Prediction", palette: Palette) -> list[str]:
    """Return a bar per class, as long as the class is probable."""
    names = [printable(name) for name in prediction.class_names]
    width = max(map(len, names))
    return [
        f"{name:>{width}} {palette.bar * round(share * _BAR_WIDTH):{_BAR_WIDTH}} {share:6.1%}"
        for name, share in zip(names, prediction.class_probabilities.tolist(), strict=True)
    ]
