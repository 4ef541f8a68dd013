"""Ink on a background: what in a picture was drawn, and what is paper, light and noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_RING_SHARE = 0.04
_BACKGROUND_FITS = 3
_BACKGROUND_SPREAD = 2.5
_MIN_CONTRAST = 24.0
_NOISE_SPREAD = 4.0
_INK_FROM, _INK_FULL = 0.25, 0.9  # shares of the median contrast of what is surely ink
_VISIBLE = 0.3

_Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """The part of a picture with all its ink.

    Attributes:
        amounts: Ink of each pixel, 0..1, `(height, width)` float32.
        top: The row of the picture where the part begins.
        left: Its column.
        dark: Whether the ink is darker than its background.
    """

    amounts: _Grey
    top: int
    left: int
    dark: bool


def find_ink(grey: _Grey, *, dark: bool | None) -> Ink:
    """Find what is drawn in a picture.

    The background is a plane through the picture's border, so that a shadow across the paper is no ink.

    Args:
        grey: `(H, W)` float32, 0..255.
        dark: Whether the ink is dark; None finds out.

    Raises:
        InputError: There is no ink in the picture.
    """
    background, noise = _background(grey)
    if dark is None:
        dark = is_dark(grey, background)
    contrast = (background - grey if dark else grey - background).clip(min=0)
    threshold = max(_otsu(contrast), _NOISE_SPREAD * noise)
    strong = contrast[contrast > threshold]
    if not strong.size or contrast.max() < _MIN_CONTRAST:
        raise InputError(
            "a picture with nothing drawn on it",
            received=f"a contrast of {contrast.max():.0f} of 255",
            expected=f"a digit that differs from its background by at least {_MIN_CONTRAST:.0f}",
        )
    share = contrast / np.median(strong)
    amounts = ((share - _INK_FROM) / (_INK_FULL - _INK_FROM)).clip(0, 1)
    rows, columns = (np.flatnonzero((amounts > _VISIBLE).any(axis=axis)) for axis in (1, 0))
    part = amounts[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Ink(part.astype(np.float32), int(rows[0]), int(columns[0]), dark)


def is_dark(grey: _Grey, background: _Grey | float) -> bool:
    """Return whether a picture has dark ink on light background rather than light on dark.

    The ink is on the side of the background on which the picture goes farther. What goes far counts by its
    third power: ink is a small area of great contrast, bad lighting a great area of small contrast.
    """
    darker = grey - background
    return bool(-(darker.clip(max=0) ** 3).sum() >= (darker.clip(min=0) ** 3).sum())


def _background(grey: _Grey) -> tuple[_Grey, float]:
    """Return the plane through the picture's border, ink there left out, and the border's noise around it."""
    width = max(1, round(_RING_SHARE * min(grey.shape)))
    ring = np.ones(grey.shape, bool)
    ring[width:-width, width:-width] = False
    down, across = np.mgrid[-1 : 1 : grey.shape[0] * 1j, -1 : 1 : grey.shape[1] * 1j]
    terms, values = np.stack([np.ones(ring.sum()), down[ring], across[ring]], axis=1), grey[ring]
    kept = np.ones(len(values), bool)
    for _ in range(_BACKGROUND_FITS):
        plane = np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
        distances = np.abs(values - terms @ plane)
        kept = distances <= _BACKGROUND_SPREAD * np.median(distances) + 1
    background = plane[0] + plane[1] * down + plane[2] * across
    return background.astype(np.float32), float(np.median(distances))


def _otsu(values: _Grey) -> float:
    """Return the threshold with the greatest variance between what lies below and above it.

    N. Otsu: A Threshold Selection Method from Gray-Level Histograms, IEEE Trans. SMC 9 (1979).
    """
    counts, edges = np.histogram(values, bins=256, range=(0, max(float(values.max()), 1)))
    middles = (edges[1:] + edges[:-1]) / 2
    below, mass_below = counts.cumsum(), (counts * middles).cumsum()
    above, total, mass = counts.sum() - below, counts.sum(), mass_below[-1]
    both = (below > 0) & (above > 0)
    if not both.any():
        return 0.0
    variance = (mass * below[both] / total - mass_below[both]) ** 2 / (below[both] * above[both])
    return float(middles[both][variance.argmax()])
