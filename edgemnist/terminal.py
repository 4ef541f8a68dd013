"""Images and probabilities as lines of text, for any terminal and for files."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .runtime import Prediction

_SHADES = " ░▒▓█"
_PIXEL_MAX = 255
_BAR_WIDTH = 40


def shades(image: "NDArray[np.uint8]") -> list[str]:
    """Return an image, `(H, W)` uint8, as H lines of shaded blocks, two characters for each pixel."""
    levels = image.astype(int) * len(_SHADES) // (_PIXEL_MAX + 1)
    return ["".join(_SHADES[level] * 2 for level in row) for row in levels]


def bars(prediction: "Prediction") -> list[str]:
    """Return a bar per class, as long as the class is probable."""
    width = max(len(name) for name in prediction.class_names)
    return [
        f"{name:>{width}} {'█' * round(share * _BAR_WIDTH):{_BAR_WIDTH}} {share:6.1%}"
        for name, share in zip(prediction.class_names, prediction.probabilities.tolist(), strict=True)
    ]
