"""Picture files of a data set as pixels, read and resized as Keras does it for training."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtraError
from .picture_files import PictureOptions, encoded


def read_pixels(path: Path, channels: int | None, options: PictureOptions) -> NDArray[np.uint8]:
    """Return the pixels in a picture file, (H, W) uint8 for one channel, else (H, W, channels).

    Args:
        path: The file.
        channels: 1, 3 or 4; None takes 1 for a grey picture and 3 for any other.
        options: Which formats and sizes are allowed.

    Raises:
        InputError: It cannot be read or decoded, or is too large.
        MissingExtraError: Pillow is not installed.
    """
    try:
        from .decoding import decode_pixels
    except ImportError as error:
        raise MissingExtraError("PIL", "image", "reading pictures") from error
    return decode_pixels(encoded(path, options), path.name, options, channels)


def resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return pixels in another height and width: bilinear, without smoothing, as `tf.image.resize`."""
    if pixels.shape[:2] == size:
        return pixels
    rows = _interpolated(pixels, size[0], axis=0)
    return np.rint(_interpolated(rows, size[1], axis=1)).astype(np.uint8)


def _interpolated(pixels: NDArray[Any], length: int, axis: int) -> NDArray[np.float32]:
    last = pixels.shape[axis] - 1
    positions = (np.arange(length) + 0.5) * ((last + 1) / length) - 0.5
    below = np.floor(positions).astype(np.int64)
    shape = [1] * pixels.ndim
    shape[axis] = length
    share = (positions - below).astype(np.float32).reshape(shape)
    lower = pixels.take(below.clip(0, last), axis).astype(np.float32)
    upper = pixels.take((below + 1).clip(0, last), axis)
    mixed: NDArray[np.float32] = lower + (upper - lower) * share
    return mixed
