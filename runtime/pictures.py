"""Pictures as programs have them (encoded bytes, paths, file objects, PIL images), read with limits.

The only module that decodes files from strangers: few formats, and sizes are checked before anything is decoded.
"""

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import InputError, MissingExtraError, OptionError, first_line
from .mnist_like import Polarity, mnist_like

Fit = Literal["auto", "always", "never"]
_WORKING_SIZE = 280  # ten times the size of MNIST's images: detail beyond that changes nothing and costs time
_WORDS = (np.uint16, np.int32, np.float32)


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How pictures become images of the model's size.

    Attributes:
        polarity: Whether the ink is "dark" or "light"; "auto" finds out.
        fit: "auto": a picture of exactly the model's size is taken as it is, but for its polarity; any other
            is fitted and centred as MNIST's were. "always": that one too. "never": another size is an error.
        formats: The file formats that are decoded, by Pillow's names.
        max_bytes: Largest encoded picture.
        max_pixels: Largest decoded one, checked before it is decoded.
    """

    polarity: Polarity = "auto"
    fit: Fit = "auto"
    formats: tuple[str, ...] = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 30_000_000

    def __post_init__(self) -> None:
        for name, allowed in (("polarity", Polarity), ("fit", Fit)):
            if getattr(self, name) not in get_args(allowed):
                raise OptionError(
                    f"unknown {name}",
                    received=repr(getattr(self, name)),
                    expected=f"one of {', '.join(get_args(allowed))}",
                )


def is_picture(value: object) -> bool:
    """Return whether a value is a picture rather than an array: encoded, a path, a file object, or PIL's."""
    if isinstance(value, (str, bytes, bytearray, os.PathLike)) or hasattr(value, "read"):
        return True
    pillow = sys.modules.get("PIL.Image")  # without Pillow imported, nothing can be an image of its
    return pillow is not None and isinstance(value, pillow.Image)


def read_picture(
    picture: Any, image_shape: tuple[int, ...], options: PictureOptions
) -> NDArray[np.uint8]:
    """Return a picture as one image of raw pixels, `image_shape` uint8, light ink on dark ground.

    Raises:
        InputError: The picture cannot be read or decoded, is too large, or shows nothing.
        MissingExtraError: Pillow is not installed.
    """
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("PIL", "image", "reading pictures") from error
    if len(image_shape) != 2:  # noqa: PLR2004
        raise InputError(
            "pictures for a model that takes no grey images",
            received=_name_of(picture),
            expected=f"arrays of shape {image_shape}",
        )
    height, width = image_shape
    grey = _grey(_opened(picture, options), _name_of(picture), options)
    if grey.shape == image_shape and options.fit != "always":
        return _same_size(grey, options.polarity)
    if options.fit == "never":
        raise InputError(
            "a picture of another size than the model's",
            received=f"{grey.shape[1]} x {grey.shape[0]}",
            expected=f"{width} x {height}",
            fix="Let it be fitted with PictureOptions(fit='auto').",
        )
    return mnist_like(_working(grey), (height, width), options.polarity)
