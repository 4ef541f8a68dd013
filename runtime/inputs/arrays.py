"""Input images, checked before any engine sees them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .picture_files import PictureOptions, is_picture, read_picture

_PIXEL_MAX = 255


def to_pixels(images: Any, image_shape: tuple[int, ...], options: PictureOptions) -> NDArray[np.uint8]:
    """Return one image or a batch as a uint8 batch, `(N, *image_shape)`, without copying uint8 input.

    What is accepted, and the errors, are as `Predictor.predict` has them.
    """
    if type(images) is np.ndarray:
        return _from_array(images, image_shape)
    if is_picture(images):
        return np.stack([read_picture(images, image_shape, options)])
    if isinstance(images, (list, tuple)) and any(is_picture(image) for image in images):
        return np.stack([_numbered(images, number, image_shape, options) for number in range(len(images))])
    return _from_array(_as_array(images), image_shape)


def _numbered(
    images: Sequence[Any], number: int, image_shape: tuple[int, ...], options: PictureOptions
) -> NDArray[np.uint8]:
    try:
        return _one(images[number], image_shape, options)
    except InputError as error:
        if len(images) == 1:
            raise
        problem = f"image {number + 1} of {len(images)}: {error.problem}"
        raise InputError(problem, **error.facts) from error


def _one(image: Any, image_shape: tuple[int, ...], options: PictureOptions) -> NDArray[np.uint8]:
    """Return an item of a list that holds pictures."""
    if is_picture(image):
        return read_picture(image, image_shape, options)
    pixels = _from_array(_as_array(image), image_shape)
    if len(pixels) != 1:
        raise InputError("a batch inside a list of pictures", received=pixels.shape, expected=image_shape)
    one: NDArray[np.uint8] = pixels[0]
    return one


def _from_array(array: NDArray[Any], image_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    shape = array.shape
    if shape == image_shape:
        array = array[None]
    elif shape[1:] != image_shape:
        raise InputError(
            "images of the wrong shape",
            received=shape,
            expected=f"{image_shape} for one image or (N, {str(image_shape)[1:]} for a batch",
            fix=_shape_fix(shape, image_shape),
        )
    elif not shape[0]:
        raise InputError("an empty batch", received=shape, expected="at least one image")
    if array.dtype == np.uint8:
        return array
    return _from_floats(array)


def _as_array(images: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(images)
    except (ValueError, TypeError) as error:
        raise InputError(
            "images that are no array", received=f"{type(images).__name__} ({error})", expected="numpy arrays"
        ) from error


def _from_floats(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype.kind != "f":
        raise InputError(
            "images of the wrong dtype",
            received=array.dtype,
            expected="uint8 in 0..255 or float in [0, 1]",
            fix="Pixels 0..255 of another integer dtype: pass images.astype('uint8').",
        )
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # false for NaN too
        found = "NaN" if np.isnan(low) else f"values from {low:g} to {high:g}"
        raise InputError(
            "float images out of range",
            received=found,
            expected="values in [0, 1]",
            fix="Pixels 0..255: pass them as uint8, or divide by 255.",
        )
    pixels: NDArray[np.uint8] = np.rint(array * _PIXEL_MAX).astype(np.uint8)
    return pixels


def _shape_fix(shape: tuple[int, ...], image_shape: tuple[int, ...]) -> str | None:
    if len(shape) == len(image_shape) + 2 and shape[1:-1] == image_shape and shape[-1] == 1:
        return "Drop the channel axis: images[..., 0]."
    if len(shape) in (1, 2) and shape[-1:] == (int(np.prod(image_shape)),):
        return f"Unflatten: images.reshape(-1, {str(image_shape)[1:]}."
    return None
