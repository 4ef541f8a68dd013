"""Pictures that promise or unpack to far more than they hold: seeded, for `mutations`."""

import struct
import zlib
from functools import cache
from random import Random

_SIZES = (0, 1, 5_000, 30_000, 65_535)
_LARGE_SIZES = (*_SIZES, 1 << 20, 2**31 - 1)
_UNPACKED_BYTES = 100_000_000
_PNG_HEADER_END = 33
_JPEG_FRAMES = (b"\xff\xc0", b"\xff\xc2")


def bomb(content: bytes, suffix: str, random: Random) -> bytes:
    """Return the picture with an extreme size in its header, or packed data without end in a PNG."""
    return {".png": _png, ".jpg": _jpeg, ".gif": _gif, ".bmp": _bmp, ".webp": _webp}[suffix](content, random)


def _png(content: bytes, random: Random) -> bytes:
    kind = random.choice(("size", "data", "text"))
    if kind == "text":
        text = _chunk(b"zTXt", b"Comment\0\0" + _packed_zeros())
        return content[:_PNG_HEADER_END] + text + content[_PNG_HEADER_END:]
    sizes = struct.pack(">II", random.choice(_LARGE_SIZES), random.choice(_LARGE_SIZES))
    header = _chunk(b"IHDR", sizes + content[24:29])
    if kind == "size":
        return content[:8] + header + content[_PNG_HEADER_END:]
    data = _chunk(b"IDAT", _packed_zeros())
    return content[:8] + header + data + _chunk(b"IEND", b"")


def _jpeg(content: bytes, random: Random) -> bytes:
    frame = max(content.find(marker) for marker in _JPEG_FRAMES)
    return _with_sizes(content, frame + 5, ">HH", _SIZES, random)


def _gif(content: bytes, random: Random) -> bytes:
    screen = _with_sizes(content, 6, "<HH", _SIZES, random)
    picture = screen.find(b"\x2c", 13)
    return screen if random.choice((True, False)) else _with_sizes(screen, picture + 5, "<HH", _SIZES, random)


def _bmp(content: bytes, random: Random) -> bytes:
    return _with_sizes(content, 18, "<ii", (*_LARGE_SIZES, -(2**31)), random)


def _webp(content: bytes, random: Random) -> bytes:
    return _with_sizes(content, 26, "<HH", _SIZES, random)


def _with_sizes(content: bytes, position: int, form: str, sizes: tuple[int, ...], random: Random) -> bytes:
    packed = struct.pack(form, random.choice(sizes), random.choice(sizes))
    return content[:position] + packed + content[position + len(packed) :]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@cache
def _packed_zeros() -> bytes:
    return zlib.compress(bytes(_UNPACKED_BYTES), 1)
