"""The two file formats data sets come in: MNIST's IDX and the `.npz` Keras writes.

The IDX format is described at http://yann.lecun.com/exdb/mnist/: two zero bytes, the element type (8 is
unsigned byte), the number of axes, the length of each axis as a big-endian 32-bit integer, then the elements
in C order.
"""

import errno
import gzip
import hashlib
import io
import math
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.archives import MAX_DATA_BYTES, array_names, max_unpacked_bytes, read_arrays
from ..runtime.errors import DatasetError
from ..runtime.reading import read_limited

UNSIGNED_BYTE = 8
MAGIC_BYTES = 4
IMAGE_AXES = 3
LABEL_AXES = 1
NPZ_FIX = "Write it with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)."
IDX_FIX = "Fetch the file again, or check that it has the name that belongs to its content."
_KINDS = {IMAGE_AXES: "images (IDX with 3 axes)", LABEL_AXES: "labels (IDX with 1 axis)"}


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """Return the unpacked IDX file that holds `array` (of any shape)."""
    header = bytes([0, 0, UNSIGNED_BYTE, array.ndim])
    return header + np.asarray(array.shape, dtype=">u4").tobytes() + array.tobytes()


def idx_sha256(array: NDArray[np.uint8]) -> str:
    """Return the sha256 of the unpacked IDX file that holds `array`, whatever file it was read from."""
    return hashlib.sha256(idx_bytes(array)).hexdigest()


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or packed with gzip.

    Args:
        path: The file; gzip is told by its first bytes, not by its name.
        axes: How many axes it must have: 3 for images, 1 for labels.

    Raises:
        DatasetError: The file is missing, truncated, damaged, or holds something else.
    """
    content = _unpacked(path)
    if len(content) < MAGIC_BYTES or content[:2] != b"\0\0":
        raise DatasetError(
            f"{path} is not an IDX file", received=_start(content), expected="0000...", fix=IDX_FIX
        )
    element_type, found_axes = content[2], content[3]
    if element_type != UNSIGNED_BYTE:
        raise DatasetError(
            f"{path} does not hold unsigned bytes",
            received=f"IDX element type 0x{element_type:02x}",
            expected=f"0x{UNSIGNED_BYTE:02x}",
            fix="Give 8-bit images and labels.",
        )
    if found_axes != axes:
        raise DatasetError(
            f"{path} does not hold {_KINDS[axes]}",
            received=_KINDS.get(found_axes, f"IDX with {found_axes} axes"),
            expected=_KINDS[axes],
            fix=IDX_FIX,
        )
    header = MAGIC_BYTES + 4 * axes
    if len(content) < header:
        raise DatasetError(
            f"{path} ends inside its header",
            received=f"{len(content)} bytes",
            expected=f"{header}",
            fix=IDX_FIX,
        )
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", axes, MAGIC_BYTES))
    if len(content) != header + math.prod(shape):
        raise DatasetError(
            f"{path} has the wrong length for the shape {shape} in its header",
            received=f"{len(content)} bytes",
            expected=f"{header + math.prod(shape)} bytes",
            fix=IDX_FIX,
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def read_npz(path: Path, keys: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Read the named arrays of an `.npz` file.

    Raises:
        DatasetError: The file is missing, damaged, or has no such array.
    """
    wanted = list(keys)
    try:
        arrays = read_arrays(path, wanted)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist", fix="Check the path.") from error
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read as an .npz file",
            received=str(error) or type(error).__name__,
            expected=f"a zip archive of plain arrays named {', '.join(wanted)}",
            fix=NPZ_FIX,
        ) from error
    missing = [key for key in wanted if key not in arrays]
    if missing:
        raise DatasetError(
            f"{path} has no {', '.join(missing)}",
            received=", ".join(array_names(path)) or "an empty archive",
            expected=", ".join(wanted),
            fix=NPZ_FIX,
        )
    return arrays


def _unpacked(path: Path) -> bytes:
    try:
        content = read_limited(path, MAX_DATA_BYTES)
        return _inflated(content) if content[:2] == b"\x1f\x8b" else content
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist", fix="Check the path.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{path} cannot be read",
            received=str(error),
            expected="a whole IDX file, plain or gzip",
            fix=IDX_FIX,
        ) from error


def _inflated(content: bytes) -> bytes:
    allowed = max_unpacked_bytes(len(content))
    with gzip.open(io.BytesIO(content)) as file:
        unpacked = file.read(allowed + 1)
    if len(unpacked) > allowed:
        raise OSError(errno.EFBIG, f"{len(content):,} bytes that unpack to more than {allowed:,}")
    return unpacked


def _start(content: bytes) -> str:
    return f"a file that starts with {content[:4].hex()}" if content else "an empty file"
