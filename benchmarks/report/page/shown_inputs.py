"""A test input as the page shows it: a picture, a table of its numbers, or a curve through them."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....runtime.signature import PIXEL_VALUES
from .svg import COLOURS

MAX_SIDE = 112  # pixels of a picture, about what its place on the page is wide
MAX_NUMBERS = 16  # in a table; more are drawn
MAX_POINTS = 200  # of a curve
_FEW = 4  # as many channels or axes of a sensor as can be told apart
_PICTURE_AXES = 3
_WIDTH, _HEIGHT = 100, 40


@dataclass(frozen=True, slots=True)
class ShownInput:
    """One of three: a PNG file as a data URI; places and numbers; an SVG element."""

    picture: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    curve: str = ""


def shown(item: NDArray[Any]) -> ShownInput:
    """Return how to show one input: uint8 pixels, `(H, W)` or `(H, W, C)`, or features of any shape."""
    if item.dtype == np.uint8:
        return ShownInput(picture=_picture(item))
    if item.size <= MAX_NUMBERS:
        return ShownInput(numbers=tuple((_place(at), f"{value:.4g}") for at, value in np.ndenumerate(item)))
    is_map = item.ndim == _PICTURE_AXES and item.shape[-1] <= _FEW
    if is_map or (item.ndim == _PICTURE_AXES - 1 and min(item.shape) > _FEW):
        return ShownInput(picture=_picture(_pixels(item)))
    return ShownInput(curve=_curve(item))


def data_uri(png: bytes) -> str:
    """Return a PNG file as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _place(at: tuple[int, ...]) -> str:
    return ", ".join(map(str, at))


def _picture(pixels: NDArray[np.uint8]) -> str:
    """Return pixels as a data URI, made small; of channels that are no colours the first."""
    from PIL import Image

    if pixels.ndim == _PICTURE_AXES:
        pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., 0]  # noqa: PLR2004 - red, green, blue
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue())


def _pixels(features: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return features as pixels, the smallest black and the largest white."""
    scaled: NDArray[np.uint8] = np.rint((PIXEL_VALUES - 1) * _unit(features)).astype(np.uint8)
    return scaled


def _curve(features: NDArray[np.float32]) -> str:
    """Return a curve through an input's numbers, one for each channel where these are few."""
    several = features.ndim > 1 and features.shape[-1] <= _FEW
    curves = _unit(features).reshape(-1, features.shape[-1] if several else 1)
    step = -(-len(curves) // MAX_POINTS)
    curves = curves[::step]
    across = np.linspace(0, _WIDTH, len(curves))
    lines = []
    for number, heights in enumerate(curves.T):
        points = zip(across, _HEIGHT * (1 - heights), strict=True)
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        look = f'fill="none" stroke="var(--series-{number % COLOURS})" vector-effect="non-scaling-stroke"'
        lines.append(f'<polyline points="{drawn}" {look}/>')
    box = f'viewBox="0 -1 {_WIDTH} {_HEIGHT + 2}" preserveAspectRatio="none"'
    return f'<svg class="curve" {box}>{"".join(lines)}</svg>'


def _unit(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return features scaled to 0..1; all 0 where they are equal."""
    real = features.astype(np.float64)
    span = real.max() - real.min()
    unit: NDArray[np.float64] = (real - real.min()) / (span or 1.0)
    return unit
