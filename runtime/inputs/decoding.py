"""Encoded pictures decoded by Pillow: few formats, and sizes are checked before anything is decoded."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import EdgeMnistError, InputError, first_line

if TYPE_CHECKING:
    from .picture_files import PictureOptions

_Converted = TypeVar("_Converted")
_WHITE, _BLACK = 255, 0
_MIDDLE = 128
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_GREY_MODES = ("1", "L", "LA")
_GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow converts colours to grey


def decode(picture: Any, name: str, options: "PictureOptions") -> Image.Image:
    """Return a picture as a grey one, Pillow's mode "L", turned the way its EXIF data say.

    Raises:
        InputError: It is no picture in one of the formats allowed, damaged, or too large.
    """
    return _converted(picture, name, options, _grey, grey=True)


def decode_pixels(
    picture: bytes, name: str, options: "PictureOptions", channels: int | None
) -> NDArray[np.uint8]:
    """Return a picture's pixels as `tf.io.decode_image` does: not turned, what is transparent as it is below.

    Args:
        picture: Encoded bytes.
        name: What to call it in a message.
        options: Which formats and sizes are allowed.
        channels: 1, 3 or 4; None takes 1 for a grey picture and 3 for any other.

    Returns:
        (H, W) uint8 for one channel, else (H, W, channels).

    Raises:
        InputError: As for `decode`.
    """
    return _converted(picture, name, options, lambda found: _pixels(found, channels), grey=channels == 1)


def _converted(
    picture: Any,
    name: str,
    options: "PictureOptions",
    convert: Callable[[Image.Image], _Converted],
    *,
    grey: bool,
) -> _Converted:
    try:
        if not isinstance(picture, bytes):
            return convert(_checked(picture, options))
        with Image.open(io.BytesIO(picture), formats=options.formats) as opened:
            _checked(opened, options)
            if grey and opened.format == "JPEG":
                opened.draft("L", opened.size)  # decodes a third of the data
            return convert(opened)
    except EdgeMnistError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError("a picture of too many pixels", received=first_line(error)) from error
    except Exception as error:  # what damaged data leads Pillow's decoders to: OSError, SyntaxError, ...
        found = first_line(error)[:200]
        if isinstance(error, UnidentifiedImageError):
            found = f"{len(picture):,} bytes that begin with {picture[:8]!r}" if picture else "nothing"
        raise InputError(
            f"{name} is not a picture that can be decoded",
            received=found,
            expected=f"one of {', '.join(options.formats)}",
        ) from error


def _checked(picture: Image.Image, options: "PictureOptions") -> Image.Image:
    width, height = picture.size
    if width < 1 or height < 1 or width * height > options.max_pixels:
        raise InputError(
            "a picture of too many pixels" if width and height else "a picture without pixels",
            received=f"{width:,} x {height:,}",
            expected=f"at most {options.max_pixels:,} in all",
            fix="PictureOptions(max_pixels=...) allows more.",
        )
    return picture


def _pixels(picture: Image.Image, channels: int | None) -> NDArray[np.uint8]:
    if channels is None:
        channels = 1 if picture.mode in _GREY_MODES or picture.mode.startswith("I") else 3
    if picture.mode.startswith("I"):  # 16 bits a pixel
        picture = Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if picture.mode == "P" and picture.has_transparency_data:
        picture = picture.convert("RGBA")
    return np.array(picture.convert(_MODES[channels]))


def _grey(picture: Image.Image) -> Image.Image:
    turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I") or turned.mode == "F":
        return _from_wide_values(turned)
    if turned.has_transparency_data:
        return _on_a_background(turned.convert("RGBA"))
    return turned.convert("L")


def _from_wide_values(picture: Image.Image) -> Image.Image:
    """Return values of more than 8 bits, whatever their range, as 0..255."""
    values = np.asarray(picture, np.float32)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InputError("a picture with values that are no numbers", received=f"{low:g} to {high:g}")
    return Image.fromarray(((values - low) * (255 / max(high - low, 1e-6))).astype(np.uint8))


def _on_a_background(picture: Image.Image) -> Image.Image:
    """Return a picture with transparent parts laid on white if what is visible is dark, else on black."""
    pixels = np.asarray(picture, np.float32)
    alpha = pixels[..., 3]
    grey = pixels[..., :3] @ np.array(_GREY_WEIGHTS, np.float32)
    visible = (grey * alpha).sum() / max(float(alpha.sum()), 1)
    tone = _WHITE if visible < _MIDDLE else _BLACK
    background = Image.new("RGBA", picture.size, (tone, tone, tone, 255))
    return Image.alpha_composite(background, picture).convert("L")
