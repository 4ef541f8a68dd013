"""Pictures of a digit, made like the images of MNIST.

"The original black and white (bilevel) images from NIST were size normalized to fit in a 20x20 pixel box
while preserving their aspect ratio. The resulting images contain grey levels as a result of the
anti-aliasing technique used by the normalization algorithm. The images were centered in a 28x28 image by
computing the center of mass of the pixels, and translating the image so as to position this point at the
center of the 28x28 field." LeCun, Cortes, Burges: THE MNIST DATABASE of handwritten digits,
http://yann.lecun.com/exdb/mnist/
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ..errors import InputError

_BOX_SHARE = 20 / 28
_WORKING_SIZE = 280  # detail beyond ten times the size of MNIST's images changes nothing and costs time
_ENOUGH_DETAIL = 60  # a digit of so many pixels survives the reduction to 20
_MARGIN_SHARE = 0.5
_SMOOTHING_SCALE = 2  # a picture reduced so far is smooth already, and may show what is as small as a speck
_SPECK = 3  # pixels; what is smaller is dust, dithering or noise, and no stroke
_RING_SHARE = 0.04
_BACKGROUND_FITS = 3
_BACKGROUND_SPREAD = 2.5
_MIN_CONTRAST = 24.0
_NOISE_SPREAD = 4.0
_INK_FROM, _INK_FULL = 0.25, 0.9  # shares of the median contrast of what is surely ink
_VISIBLE = 0.3

_Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Ink:
    """The part of a picture with all its ink.

    Attributes:
        amounts: Ink of each pixel, 0..1, `(height, width)` float32.
        top, left: Where in the picture the part begins.
        dark: Whether the ink is darker than its background.
    """

    amounts: _Grey
    top: int
    left: int
    dark: bool


def mnist_like(picture: Image.Image, image_shape: tuple[int, int], *, dark: bool | None) -> NDArray[np.uint8]:
    """Return a picture as MNIST would have it: light ink on black, fitted, centred by its mass.

    The picture is grey, Pillow's mode "L", of any size; where `dark` is None, it is found out. InputError if
    there is no ink.
    """
    ink, scale = _ink_in(picture, dark)
    if scale > 1 and max(ink.amounts.shape) < _ENOUGH_DETAIL:  # small in a large picture: look closer
        ink, _ = _ink_in(picture.crop(_around(ink, scale, picture.size)), ink.dark)
    return _centred(_fitted(ink.amounts, image_shape), image_shape)


def _ink_in(picture: Image.Image, dark: bool | None) -> tuple[_Ink, float]:
    """Return the ink in a picture, and by how much the picture was reduced to look for it."""
    scale = max(max(picture.size) / _WORKING_SIZE, 1.0)
    if scale > 1:
        width, height = (max(1, round(axis / scale)) for axis in picture.size)
        picture = _resized(picture, (width, height), Image.Resampling.BOX)
    if scale < _SMOOTHING_SCALE and min(picture.size) >= _ENOUGH_DETAIL:
        picture = picture.filter(ImageFilter.MedianFilter(_SPECK))
    return _find_ink(np.asarray(picture, np.float32), dark=dark), scale


def _around(ink: _Ink, scale: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the part of the whole picture, left, top, right and bottom, that holds the ink and a margin."""
    height, width = ink.amounts.shape
    margin = _MARGIN_SHARE * max(height, width)
    return (
        max(0, int((ink.left - margin) * scale)),
        max(0, int((ink.top - margin) * scale)),
        min(size[0], int((ink.left + width + margin) * scale)),
        min(size[1], int((ink.top + height + margin) * scale)),
    )


def _fitted(digit: NDArray[np.float32], image_shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the digit scaled, without distortion, to touch the box inside the image."""
    box = round(_BOX_SHARE * min(image_shape))
    scale = box / max(digit.shape)
    height, width = (max(1, round(axis * scale)) for axis in digit.shape)
    picture = Image.fromarray(np.rint(digit * 255).astype(np.uint8))
    return np.asarray(_resized(picture, (width, height), Image.Resampling.LANCZOS))


def _resized(picture: Image.Image, size: tuple[int, int], how: Image.Resampling) -> Image.Image:
    """Return a picture in another size, its width changed first.

    Pillow 13 begins with the height where that is less work, Pillow 12 never; the page's JavaScript gives the
    same pixels as every release.
    """
    return picture.resize((size[0], picture.height), how).resize(size, how)


def _centred(digit: NDArray[np.uint8], image_shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an image with the digit's centre of mass in the middle, or as near as the digit fits."""
    image = np.zeros(image_shape, np.uint8)
    top, left = (_offset(digit.sum(axis=1 - axis), size) for axis, size in enumerate(image_shape))
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return image


def _offset(profile: NDArray[np.uint64], size: int) -> int:
    """Return where a digit with this profile of ink must begin to be balanced in the middle."""
    centre = (profile * np.arange(len(profile))).sum() / max(int(profile.sum()), 1)
    return int(np.clip(round(size / 2 - centre), 0, size - len(profile)))


def light_on_dark(grey: NDArray[np.uint8], dark: bool | None) -> NDArray[np.uint8]:
    """Return a picture of the model's own size, inverted if its ink is dark; None finds out."""
    if dark is None:  # as `_is_dark`, but each value once: what is that small is asked for thousands a second
        edge = np.sort(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
        background = (int(edge[len(edge) // 2 - 1]) + int(edge[len(edge) // 2])) / 2
        cubes = (np.arange(256) - background) ** 3
        dark = bool(np.bincount(grey.ravel(), minlength=256) @ cubes <= 0)
    return np.invert(grey) if dark else grey


def _find_ink(grey: _Grey, *, dark: bool | None) -> _Ink:
    """Find what is drawn in a picture.

    The background is a plane through the picture's border, so that a shadow across the paper is no ink.
    """
    background, noise = _background(grey)
    if dark is None:
        dark = _is_dark(grey, background)
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
    return _Ink(part.astype(np.float32), int(rows[0]), int(columns[0]), dark)


def _is_dark(grey: _Grey, background: _Grey | float) -> bool:
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
