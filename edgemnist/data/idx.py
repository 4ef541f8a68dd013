"""Folders of IDX files, plain or gzip, under their MNIST names.

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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..runtime.archives import MAX_DATA_BYTES, max_unpacked_bytes
from ..runtime.errors import DatasetError
from ..runtime.files import read_limited

Part = Literal["train", "test"]
_UNSIGNED_BYTE = 8
_MAGIC_BYTES = 4
IMAGE_AXES = 3
LABEL_AXES = 1
_PREFIX: dict[Part, str] = {"train": "train", "test": "t10k"}
_NAMES = ("{prefix}-{kind}-idx{axes}-ubyte", "{prefix}-{kind}.idx{axes}-ubyte")
_KINDS = {IMAGE_AXES: "images (IDX with 3 axes)", LABEL_AXES: "labels (IDX with 1 axis)"}


def matches(path: Path) -> bool:
    """Return whether a data set at `path` has this format."""
    return path.is_dir()


def read(path: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    """Return the images and labels of a part, and the files they are from.

    Raises:
        DatasetError: A file is missing, truncated, damaged, or contains something else.
    """
    images, labels = _file(path, part, "images", IMAGE_AXES), _file(path, part, "labels", LABEL_AXES)
    source = f"{images} and {labels.name}"
    return read_array(images, IMAGE_AXES), read_array(labels, LABEL_AXES), source


def read_labels(path: Path, part: Part) -> NDArray[np.uint8]:
    """Return the labels of a part, and read no other file; DatasetError as for `read`."""
    return read_array(_file(path, part, "labels", LABEL_AXES), LABEL_AXES)


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """Return the unpacked IDX file of an array of any shape."""
    header = bytes([0, 0, _UNSIGNED_BYTE, array.ndim])
    return header + np.asarray(array.shape, dtype=">u4").tobytes() + array.tobytes()


def idx_sha256(array: NDArray[np.uint8]) -> str:
    """Return the sha256 of an array's unpacked IDX file, whatever file it was read from."""
    return hashlib.sha256(idx_bytes(array)).hexdigest()


def read_array(path: Path, axes: int) -> NDArray[np.uint8]:
    """Return the array of so many axes in an IDX file of unsigned bytes; DatasetError as for `read`.

    Gzip is recognized by its first bytes.
    """
    content = _unpacked(path)
    if len(content) < _MAGIC_BYTES or content[:2] != b"\0\0":
        start = f"a file that starts with {content[:4].hex()}" if content else "an empty file"
        raise _refusal(f"{path} is not an IDX file", start, "0000...")
    element_type, found_axes = content[2], content[3]
    if element_type != _UNSIGNED_BYTE:
        raise DatasetError(
            f"{path} does not contain unsigned bytes",
            received=f"IDX element type 0x{element_type:02x}",
            expected=f"0x{_UNSIGNED_BYTE:02x}",
            fix="Give 8-bit images and labels.",
        )
    if found_axes != axes:
        kind = _KINDS.get(found_axes, f"IDX with {found_axes} axes")
        raise _refusal(f"{path} does not contain {_KINDS[axes]}", kind, _KINDS[axes])
    header = _MAGIC_BYTES + 4 * axes
    if len(content) < header:
        raise _refusal(f"{path} ends inside its header", f"{len(content)} bytes", f"{header}")
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", axes, _MAGIC_BYTES))
    if len(content) != header + math.prod(shape):
        raise _refusal(
            f"{path} has the wrong length for the shape {shape} in its header",
            f"{len(content)} bytes",
            f"{header + math.prod(shape)} bytes",
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _file(folder: Path, part: Part, kind: str, axes: int) -> Path:
    names = [name.format(prefix=_PREFIX[part], kind=kind, axes=axes) for name in _NAMES]
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    raise DatasetError(
        f"{folder} has no {part} {kind}",
        received=listing(entry.name for entry in folder.iterdir()) or "an empty folder",
        expected=f"{names[0]} or {names[0]}.gz",
        fix="Give a folder of IDX files under their MNIST names.",
    )


def _unpacked(path: Path) -> bytes:
    try:
        content = read_limited(path, MAX_DATA_BYTES)
        return _inflated(content) if content[:2] == b"\x1f\x8b" else content
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist", fix="Check the path.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise _refusal(f"{path} cannot be read", str(error), "a whole IDX file, plain or gzip") from error


def _inflated(content: bytes) -> bytes:
    allowed = max_unpacked_bytes(len(content))
    with gzip.open(io.BytesIO(content)) as file:
        unpacked = file.read(allowed + 1)
    if len(unpacked) > allowed:
        raise OSError(errno.EFBIG, f"{len(content):,} bytes that unpack to more than {allowed:,}")
    return unpacked


def listing(names: Iterable[str], limit: int = 8, key: Callable[[str], Any] = str) -> str:
    """Return the first names in order, and how many more there are."""
    found = sorted(names, key=key)
    return ", ".join(found[:limit]) + (f" and {len(found) - limit} more" if len(found) > limit else "")


def _refusal(problem: str, received: str, expected: str) -> DatasetError:
    fix = "Fetch the file again, or check that it has the name that belongs to its content."
    return DatasetError(problem, received=received, expected=expected, fix=fix)
