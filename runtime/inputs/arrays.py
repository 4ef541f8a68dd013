"""Input images and features, checked before any engine sees them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..signature import PIXEL_VALUES, InputSpec
from .picture_files import PictureOptions, is_picture, read_picture

_PIXEL_MAX = PIXEL_VALUES - 1


def to_pixels(images: Any, spec: InputSpec, options: PictureOptions) -> NDArray[np.uint8]:
    """Return one image or a batch as a uint8 batch, `(N, *spec.shape)`, without copying uint8 input.

    What is accepted, and the errors, are as `Predictor.predict` has them.
    """
    if type(images) is np.ndarray:
        return _from_array(images, spec.shape)
    if is_picture(images):
        return read_picture(images, spec, options)[np.newaxis]
    if isinstance(images, (list, tuple)) and any(is_picture(image) for image in images):
        return np.stack([_numbered(images, number, spec, options) for number in range(len(images))])
    return _from_array(_as_array(images), spec.shape)


def _numbered(
    images: Sequence[Any], number: int, spec: InputSpec, options: PictureOptions
) -> NDArray[np.uint8]:
    try:
        return _one(images[number], spec, options)
    except InputError as error:
        if len(images) == 1:
            raise
        problem = f"image {number + 1} of {len(images)}: {error.problem}"
        raise InputError(problem, **error.facts) from error


def _one(image: Any, spec: InputSpec, options: PictureOptions) -> NDArray[np.uint8]:
    """Return an item of a list that holds pictures."""
    if is_picture(image):
        return read_picture(image, spec, options)
    pixels = _from_array(_as_array(image), spec.shape)
    if len(pixels) != 1:
        raise InputError("a batch inside a list of pictures", received=pixels.shape, expected=spec.shape)
    one: NDArray[np.uint8] = pixels[0]
    return one


def to_features(items: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return one item or a batch as a float32 batch, `(N, *shape)`, without copying float32 input.

    Raises:
        InputError: The numbers have another shape, there are none, or one is not finite.
    """
    if is_picture(items):
        raise InputError(
            "a picture for a model of features",
            received=type(items).__name__,
            expected=f"numbers of shape {shape}",
        )
    array = _as_batch(_as_array(items), shape, "features")
    if array.dtype.kind not in "iufb":
        raise InputError("features of the wrong dtype", received=array.dtype, expected="numbers")
    features = array.astype(np.float32, copy=False)
    if not np.isfinite(features).all():
        row, *place = np.argwhere(~np.isfinite(features))[0].tolist()
        raise InputError(
            "a feature is no finite float32 number",
            received=f"{array[(row, *place)]} in item {row} at {tuple(place)}",
            expected="finite numbers",
        )
    return features


def _from_array(array: NDArray[Any], image_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    array = _as_batch(array, image_shape, "images")
    return array if array.dtype == np.uint8 else _from_floats(array)


def _as_batch(array: NDArray[Any], item: tuple[int, ...], what: str) -> NDArray[Any]:
    """Return a batch of items, whose axis of one channel may be missing or too many."""
    shape = array.shape
    for known in (item, item[:-1] if item[-1:] == (1,) else (*item, 1)):
        if known and shape == known:
            return array.reshape(1, *item)
        if known and shape[1:] == known:
            if not shape[0]:
                raise InputError("an empty batch", received=shape, expected="at least one item")
            return array if known == item else array.reshape(-1, *item)
    raise InputError(
        f"{what} of the wrong shape",
        received=shape,
        expected=f"{item} for one or (N, {str(item)[1:]} for a batch",
        fix=_shape_fix(shape, item),
    )


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


def _shape_fix(shape: tuple[int, ...], item: tuple[int, ...]) -> str | None:
    if len(shape) in (1, 2) and shape[-1:] == (int(np.prod(item)),):
        return f"Unflatten: array.reshape(-1, {str(item)[1:]}."
    return None
