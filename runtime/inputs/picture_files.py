"""Pictures as programs have them (encoded bytes, paths, file objects, PIL images), read with limits.

Pillow, from the extra `[image]`, is imported only when a picture comes.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, MissingExtraError, first_line, require_one_of
from ..files import opened

Polarity = Literal["auto", "dark", "light"]

Fit = Literal["auto", "always", "never"]


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
        require_one_of("polarity", self.polarity, get_args(Polarity))
        require_one_of("fit", self.fit, get_args(Fit))

    @property
    def dark(self) -> bool | None:
        """Whether the ink is dark, or None to find out."""
        return None if self.polarity == "auto" else self.polarity == "dark"


def is_picture(value: object) -> bool:
    """Return whether a value is a picture rather than an array: encoded, a path, a file object, or PIL's."""
    if isinstance(value, (str, bytes, bytearray, os.PathLike)) or hasattr(value, "read"):
        return True
    # Without Pillow imported, nothing can be an image of its; another thread may be importing it just now.
    image = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return image is not None and isinstance(value, image)


def read_picture(picture: Any, image_shape: tuple[int, ...], options: PictureOptions) -> NDArray[np.uint8]:
    """Return a picture as one image, `image_shape` uint8, light on dark; errors as of `Predictor.predict`."""
    if len(image_shape) != 2:  # noqa: PLR2004
        raise InputError(
            "a picture for a model whose input is no grey image",
            received=_name_of(picture),
            expected=f"arrays of shape {image_shape}",
        )
    try:
        from .decoding import decode
        from .ink_adapter import light_on_dark, mnist_like
    except ImportError as error:
        raise MissingExtraError("PIL", "image", "reading pictures") from error
    height, width = image_shape
    decoded = decode(_encoded(picture, options), _name_of(picture), options)
    if decoded.size == (width, height) and options.fit != "always":
        return light_on_dark(np.asarray(decoded), options.dark)
    if options.fit == "never":
        raise InputError(
            "a picture of another size than the model's",
            received=f"{decoded.size[0]} x {decoded.size[1]}",
            expected=f"{width} x {height}",
            fix="PictureOptions(fit='auto') lets it be fitted.",
        )
    return mnist_like(decoded, (height, width), dark=options.dark)


def _encoded(picture: Any, options: PictureOptions) -> Any:
    """Return encoded bytes, no more than allowed, or Pillow's image as it is."""
    size = options.max_bytes + 1
    if isinstance(picture, (bytes, bytearray)):
        content = bytes(picture[:size])
    elif isinstance(picture, (str, os.PathLike)):
        content = _read_path(Path(picture), size)
    elif hasattr(picture, "read"):
        try:
            content = picture.read(size)
        except (OSError, ValueError) as error:
            raise InputError("cannot read the file object", received=first_line(error)) from error
    else:
        return picture
    if not isinstance(content, bytes):
        raise InputError(
            "a file object that returns no bytes",
            received=type(content).__name__,
            expected="a file opened in binary mode",
        )
    if len(content) > options.max_bytes:
        raise InputError(
            "a picture of too many bytes",
            received=f"more than {options.max_bytes:,}",
            expected=f"at most {options.max_bytes:,}",
            fix="PictureOptions(max_bytes=...) allows more.",
        )
    return content


def _read_path(path: Path, size: int) -> bytes:
    found = "nothing there"
    try:
        if path.is_file():
            with opened(path) as file:
                return file.read(size)
        if path.exists():
            found = "something else there"
    except ValueError:  # a path with a NUL in it
        raise InputError("no such picture", received=repr(str(path)), expected="a picture file") from None
    except OSError as error:
        raise InputError(f"cannot read {path}", received=error.strerror) from error
    raise InputError(f"no such picture: {path}", received=found, expected="a picture file")


def _name_of(picture: Any) -> str:
    """Return what to call a picture in a message."""
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture) if isinstance(os.fspath(picture), str) else "a path of bytes"
    return f"{type(picture).__name__} object"
