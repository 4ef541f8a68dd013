"""Images and probabilities as lines of text, for any terminal and for files."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..runtime.printable import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..runtime import Prediction

_PIXEL_MAX = 255
_BAR_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Palette:
    """The characters to draw with.

    Attributes:
        shades: From none to full.
        bar: What a bar is made of.
    """

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
