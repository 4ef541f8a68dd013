"""Pictures as programs have them (encoded bytes, paths, file objects, PIL images), read with limits.

Pillow, from the extra `[image]`, is imported only when a picture comes.
"""

import os
import sys
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ..errors import InputError, MissingExtraError, first_line, require_one_of
from ..files import opened
from ..signature import InputSpec

_IMAGE_AXES = (2, 3)
Polarity = Literal["auto", "dark", "light"]

Fit = Literal["auto", "always", "never"]

_PNG = b"\x89PNG\r\n\x1a\n"
_IHDR = b"IHDR"
_SMALL = 4096  # bytes, and pixels


class PictureOptions(Struct, frozen=True):
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


def is_read_quickly(picture: object, shape: tuple[int, ...]) -> bool:
    """Return whether a picture is a small PNG of the size in `shape`, read sooner than a thread begins to.

    Its size stands in its first chunk. A second such chunk would be believed instead, so there must be none.
    """
    if not isinstance(picture, bytes) or len(picture) > _SMALL or not picture.startswith(_PNG):
        return False
    if picture[12:16] != _IHDR or picture.count(_IHDR) > 1:
        return False
    width, height = int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
    return (height, width) == shape[:2] and height * width <= _SMALL


def read_picture(picture: Any, spec: InputSpec, options: PictureOptions) -> NDArray[np.uint8]:
    """Return a picture as one raw image of a model's input, `spec.shape` uint8.

    Of a model of ink it becomes light ink on dark background, fitted and centred; of any other it is resized.

    Raises:
        InputError: The picture cannot be read or decoded, is too large, of another size than the model's
            where that is not to be changed, or shows nothing; or the model takes no pictures.
        MissingExtraError: Pillow is not installed.
    """
    if spec.kind != "image" or len(spec.shape) not in _IMAGE_AXES:
        raise InputError(
            "a picture for a model whose input is no image",
            received=_name_of(picture),
            expected=f"arrays of shape {spec.shape}",
        )
    try:
        from .decoding import decode, decode_pixels
        from .ink_adapter import light_on_dark, mnist_like
        from .pixels import resized
    except ImportError as error:
        raise MissingExtraError("PIL", "image", "reading pictures") from error
    height, width, channels = (*spec.shape, 1)[:3]
    source, name = encoded(picture, options), _name_of(picture)
    ink = decode(source, name, options) if spec.ink else None
    pixels = decode_pixels(source, name, options, channels) if ink is None else np.asarray(ink)
    same_size = pixels.shape[:2] == (height, width)
    if options.fit == "never" and not same_size:
        raise InputError(
            "a picture of another size than the model's",
            received=f"{pixels.shape[1]} x {pixels.shape[0]}",
            expected=f"{width} x {height}",
            fix="PictureOptions(fit='auto') lets it be fitted.",
        )
    if ink is None:
        image = resized(pixels, (height, width))
    elif same_size and options.fit != "always":
        image = light_on_dark(pixels, options.dark)
    else:
        image = mnist_like(ink, (height, width), dark=options.dark)
    return image.reshape(spec.shape)


def encoded(picture: Any, options: PictureOptions) -> Any:
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
