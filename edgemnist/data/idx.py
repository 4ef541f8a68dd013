"""The IDX format: its files, and the hash of any array as the IDX file that would hold it.

The IDX format is described at http://yann.lecun.com/exdb/mnist/: two zero bytes, the element type (8 is
unsigned byte), the number of axes, the length of each axis as a big-endian 32-bit integer, then the elements
in C order, big-endian.
"""

import errno
import gzip
import hashlib
import io
import math
import os
import zlib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..runtime.archives import MAX_DATA_BYTES, max_unpacked_bytes
from ..runtime.errors import DatasetError
from ..runtime.files import opened, read_limited
from .lazy import MAX_IN_MEMORY_BYTES, Inputs, batches

Part = Literal["train", "test"]
IMAGE_AXES = (3, 4)
LABEL_AXES = (1,)
_MAGIC_BYTES = 4
_TYPES = {0x08: "u1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4"}
ANY_AXES, ANY_TYPES = range(256), tuple(_TYPES)
_CODES = {np.dtype(np.uint8): 0x08, np.dtype(np.int32): 0x0C, np.dtype(np.float32): 0x0D}
_KINDS = {1: "labels (IDX with 1 axis)", 3: "images (IDX with 3 axes)", 4: "images (IDX with 4 axes)"}


def idx_bytes(array: NDArray[Any]) -> bytes:
    """Return the unpacked IDX file of an array of uint8, int32 or float32 and of any shape."""
    return _header(array.shape, array.dtype) + array.astype(_TYPES[_CODES[array.dtype]]).tobytes()


def idx_sha256(array: Inputs, shape: tuple[int, ...] | None = None) -> str:
    """Return the sha256 of an array's unpacked IDX file, whatever file it was read from.

    Args:
        array: uint8, int32 or float32.
        shape: The shape in the header, if it is another than the array's.
    """
    digest = hashlib.sha256(_header(shape or array.shape, array.dtype))
    for rows in batches(array):
        digest.update(np.ascontiguousarray(rows, _TYPES[_CODES[array.dtype]]).data)
    return digest.hexdigest()


def read_array(path: Path, axes: Collection[int], types: Collection[int] = (0x08,)) -> NDArray[Any]:
    """Return the array in an IDX file; gzip is recognized by its first bytes, a large plain file is mapped.

    Args:
        path: The file.
        axes: The allowed numbers of axes: 3 or 4 for images, 1 for labels.
        types: The allowed element types.

    Raises:
        DatasetError: The file is missing, truncated, damaged, or contains something else.
    """
    try:
        with opened(path) as file:
            start, size = file.read(_MAGIC_BYTES), os.fstat(file.fileno()).st_size
        mapped = size > MAX_IN_MEMORY_BYTES and start[:2] == b"\0\0"
        content = np.memmap(path, np.uint8, "r") if mapped else np.frombuffer(_unpacked(path), np.uint8)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist", fix="Check the path.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise _refusal(f"{path} cannot be read", str(error), "a whole IDX file, plain or gzip") from error
    return _array(path, content, axes, types)


def listing(names: Iterable[str], limit: int = 8, key: Callable[[str], Any] = str) -> str:
    """Return the first names in order, and how many more there are."""
    found = sorted(names, key=key)
    return ", ".join(found[:limit]) + (f" and {len(found) - limit} more" if len(found) > limit else "")


def read_header(
    path: Path,
    file: Any,
    axes: Collection[int] = ANY_AXES,
    types: Collection[int] = ANY_TYPES,
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read an IDX file's header off a stream of its unpacked bytes: the dtype and the shape.

    Args:
        path: The file, for messages.
        file: The stream, whose next byte is then the first of the elements.
        axes: The allowed numbers of axes.
        types: The allowed element types.

    Raises:
        DatasetError: It is no IDX file, or contains something else.
    """
    magic = file.read(_MAGIC_BYTES)
    if len(magic) < _MAGIC_BYTES or magic[:2] != b"\0\0":
        start = f"a file that starts with {magic.hex()}" if magic else "an empty file"
        raise _refusal(f"{path} is not an IDX file", start, "0000...")
    element_type, found_axes = magic[2], magic[3]
    if element_type not in types:
        raise DatasetError(
            f"{path} does not contain {'whole numbers' if len(types) > 1 else 'unsigned bytes'}",
            received=f"IDX element type 0x{element_type:02x}",
            expected=" or ".join(f"0x{one:02x}" for one in types),
            fix="Give 8-bit images, and labels of 8, 16 or 32 bits; features fit into an .npz or .csv file.",
        )
    if found_axes not in axes:
        kind = _KINDS.get(found_axes, f"IDX with {found_axes} axes")
        wanted = " or ".join(_KINDS[one] for one in axes)
        raise _refusal(f"{path} does not contain {wanted}", kind, wanted)
    lengths = file.read(4 * found_axes)
    if len(lengths) < 4 * found_axes:
        header = _MAGIC_BYTES + 4 * found_axes
        raise _refusal(f"{path} ends inside its header", f"{_MAGIC_BYTES + len(lengths)} bytes", f"{header}")
    shape = tuple(int(length) for length in np.frombuffer(lengths, ">u4"))
    return np.dtype(_TYPES[element_type]), shape


def _array(
    path: Path, content: NDArray[np.uint8], axes: Collection[int], types: Collection[int]
) -> NDArray[Any]:
    start = io.BytesIO(content[: _MAGIC_BYTES + 4 * len(ANY_AXES)].tobytes())
    dtype, shape = read_header(path, start, axes, types)
    expected = start.tell() + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise _refusal(
            f"{path} has the wrong length for the shape {shape} in its header",
            f"{len(content)} bytes",
            f"{expected} bytes",
        )
    return content[start.tell() :].view(dtype).reshape(shape)


def _header(shape: tuple[int, ...], dtype: Any) -> bytes:
    return bytes([0, 0, _CODES[np.dtype(dtype)], len(shape)]) + np.asarray(shape, dtype=">u4").tobytes()


def _unpacked(path: Path) -> bytes:
    content = read_limited(path, MAX_DATA_BYTES)
    if content[:2] != b"\x1f\x8b":
        return content
    allowed = max_unpacked_bytes(len(content))
    with gzip.open(io.BytesIO(content)) as file:
        unpacked = file.read(allowed + 1)
    if len(unpacked) > allowed:
        raise OSError(errno.EFBIG, f"{len(content):,} bytes that unpack to more than {allowed:,}")
    return unpacked


def _refusal(problem: str, received: str, expected: str) -> DatasetError:
    fix = "Fetch the file again, or check that it has the name that belongs to its content."
    return DatasetError(problem, received=received, expected=expected, fix=fix)
