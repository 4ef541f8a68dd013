"""Pictures of a digit, made like the images of MNIST.

"The original black and white (bilevel) images from NIST were size normalized to fit in a 20x20 pixel box
while preserving their aspect ratio. The resulting images contain grey levels as a result of the
anti-aliasing technique used by the normalization algorithm. The images were centered in a 28x28 image by
computing the center of mass of the pixels, and translating the image so as to position this point at the
center of the 28x28 field." LeCun, Cortes, Burges: THE MNIST DATABASE of handwritten digits,
http://yann.lecun.com/exdb/mnist/
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .strokes import Ink, find_ink

_BOX_SHARE = 20 / 28
_WORKING_SIZE = 280  # detail beyond ten times the size of MNIST's images changes nothing and costs time
_ENOUGH_DETAIL = 60  # a digit of so many pixels survives the reduction to 20
_MARGIN_SHARE = 0.5
_SMOOTHING_SCALE = (
    2  # a picture reduced so far is smooth already, and what it shows may be as small as a speck
)
_SPECK = 3  # pixels; what is smaller is dust, dithering or noise, and no stroke


def mnist_like(picture: Image.Image, image_shape: tuple[int, int], *, dark: bool | None) -> NDArray[np.uint8]:
    """Return a picture as MNIST would have it: light ink on black, fitted, centred by its mass.

    Args:
        picture: A grey picture, Pillow's mode "L", of any size.
        image_shape: The height and width wanted.
        dark: Whether the ink is dark; None finds out.

    Returns:
        `image_shape` uint8.

    Raises:
        InputError: There is no ink in the picture.
    """
    ink, scale = _ink_in(picture, dark)
    if scale > 1 and max(ink.amounts.shape) < _ENOUGH_DETAIL:  # small in a large picture: look closer
        ink, _ = _ink_in(picture.crop(_around(ink, scale, picture.size)), ink.dark)
    return _centred(_fitted(ink.amounts, image_shape), image_shape)


def _ink_in(picture: Image.Image, dark: bool | None) -> tuple[Ink, float]:
    """Return the ink in a picture, and by how much the picture was reduced to look for it."""
    scale = max(max(picture.size) / _WORKING_SIZE, 1.0)
    if scale > 1:
        width, height = (max(1, round(axis / scale)) for axis in picture.size)
        picture = _resized(picture, (width, height), Image.Resampling.BOX)
    if scale < _SMOOTHING_SCALE and min(picture.size) >= _ENOUGH_DETAIL:
        picture = picture.filter(ImageFilter.MedianFilter(_SPECK))
    return find_ink(np.asarray(picture, np.float32), dark=dark), scale


def _around(ink: Ink, scale: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
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
