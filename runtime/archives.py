"""Zip archives and `.npz` files that a stranger may have written: what they unpack to is limited."""

import io
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from .files import opened, read_limited

MAX_DATA_BYTES = 4 * 1024 * 1024 * 1024
# Data of people is packed to a tenth; what is packed to a thousandth is there to fill the memory.
_MAX_EXPANSION = 50
_ALWAYS_ALLOWED_BYTES = 64 * 1024 * 1024
_MAX_ENTRIES = 1_000
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, MemoryError)
# The end of a zip archive's directory (APPNOTE.TXT 4.3.16), and of a 64-bit one (4.3.14) and its locator.
_DIRECTORY_END = struct.Struct("<4s4H2LH")
_DIRECTORY_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
# What stands before an entry's data (4.3.7); the data begin after a name and an extra field.
_LOCAL_HEADER = struct.Struct("<4s22x2H")
_ENCRYPTED = 1


def max_unpacked_bytes(packed_bytes: int) -> int:
    """Return how large a packed file may become in memory."""
    return min(MAX_DATA_BYTES, _ALWAYS_ALLOWED_BYTES + _MAX_EXPANSION * packed_bytes)


def read_arrays(
    path: Path, wanted: Collection[str] | None, *, inside: Path | None = None
) -> dict[str, NDArray[Any]]:
    """Return arrays of an `.npz` file; errors as of `opened` and `unpack_arrays`."""
    with opened(path, inside=inside) as file:
        return unpack_arrays(file, wanted)


def read_array(path: Path) -> NDArray[Any]:
    """Return the array in an `.npy` file; errors as of `read_limited` and `unpack_arrays`."""
    return _plain_array(read_limited(path, MAX_DATA_BYTES), path.name)


def array_names(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays in an `.npz` file.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As `opened` has it.
        ValueError: It is no archive.
    """
    with opened(path) as file, _zip_errors(), checked_archive(file, ()) as archive:
        return tuple(name.removesuffix(".npy") for name in archive.namelist())


def unpack_arrays(file: BinaryIO, wanted: Collection[str] | None) -> dict[str, NDArray[Any]]:
    """Return those of the wanted arrays, None meaning all, that are in an `.npz` archive.

    `numpy.load` believes the shape in an array's header and takes that much memory, and unpickles objects
    where it is let; here the archive's directory, the header and the data must agree first.

    Raises:
        ValueError: It is no archive of plain arrays, or too large.
    """
    names = wanted and {f"{name}.npy" for name in wanted}
    with _zip_errors(), checked_archive(file, names) as archive:
        return {
            entry.filename.removesuffix(".npy"): _plain_array(archive.read(entry), entry.filename)
            for entry in archive.infolist()
            if wanted is None or entry.filename.removesuffix(".npy") in wanted
        }


@contextmanager
def _zip_errors() -> Iterator[None]:
    """Raise what `zipfile` raises at a damaged archive as ValueError."""
    try:
        yield
    except _DAMAGED as error:
        raise ValueError(str(error) or type(error).__name__) from error


@contextmanager
def checked_archive(file: BinaryIO, counted: Collection[str] | None = None) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive whose directory is small and whose entries say that they unpack to little.

    Those `counted`, None meaning all, are the ones that will be unpacked. An entry that unpacks to more than
    it says is cut there by `zipfile`.

    Raises:
        ValueError: It has too many entries, or they unpack to more than `max_unpacked_bytes` allows.
    """
    max_bytes = max_unpacked_bytes(_checked_size(file))
    with zipfile.ZipFile(file) as archive:
        entries = [one for one in archive.infolist() if counted is None or one.filename in counted]
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > max_bytes:
            raise ValueError(
                f"an archive that unpacks to {unpacked:,} bytes; at most {max_bytes:,} are allowed"
            )
        if len({entry.filename for entry in archive.infolist()}) < len(archive.infolist()):
            raise ValueError("an archive with two entries of the same name")
        yield archive


def _checked_size(file: BinaryIO) -> int:
    """Return an archive's size, its number of entries checked before `zipfile` makes an object of each."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _DIRECTORY_END.size - _LOCATOR_64.size - _DIRECTORY_END_64.size - 0xFFFF))
    tail = file.read()
    file.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _DIRECTORY_END.size:
        raise zipfile.BadZipFile("File is not a zip file")
    _, _, _, _, entries, directory_bytes, *_ = _DIRECTORY_END.unpack_from(tail, end)
    if tail[max(0, end - _LOCATOR_64.size) :].startswith(b"PK\x06\x07"):
        entries, directory_bytes = _directory_64(tail, end - _LOCATOR_64.size, size - len(tail))
    # An entry of the directory has 46 bytes and a name.
    if entries > _MAX_ENTRIES or directory_bytes > _MAX_ENTRIES * 512:
        raise ValueError(f"an archive of more than {_MAX_ENTRIES:,} entries")
    return size


def map_array(path: Path, name: str, min_bytes: int) -> NDArray[Any] | None:
    """Return an array of an `.npz` file mapped from it, or None if it is packed or has fewer bytes.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As `opened` has it.
        ValueError: It is no archive of plain arrays.
    """
    with opened(path) as file, _zip_errors(), checked_archive(file, ()) as archive:
        entry = archive.getinfo(f"{name}.npy")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size <= min_bytes:
            return None
        if entry.flag_bits & _ENCRYPTED or entry.compress_size != entry.file_size:
            raise ValueError(f"{entry.filename} is not stored as it says")
        file.seek(entry.header_offset)
        signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        start = entry.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
        if signature != b"PK\x03\x04" or start + entry.file_size > file.seek(0, os.SEEK_END):
            raise ValueError(f"{entry.filename} is not where the archive says")
        file.seek(start)
        dtype, shape, order = array_header(file, entry.filename)
        at = file.tell()
    _check_length(entry.filename, dtype, shape, start + entry.file_size - at)
    return np.memmap(path, dtype, "r", at, shape, order)


def _directory_64(tail: bytes, locator: int, start: int) -> tuple[int, int]:
    """Return the number of entries and the bytes of a 64-bit archive's directory."""
    end = locator - _DIRECTORY_END_64.size
    if end < 0 or _LOCATOR_64.unpack_from(tail, locator)[2] != start + end:
        raise zipfile.BadZipFile("its directory is not where it says")
    signature, *_, entries, directory_bytes, _ = _DIRECTORY_END_64.unpack_from(tail, end)
    if signature != b"PK\x06\x06":
        raise zipfile.BadZipFile("it has no directory")
    return entries, directory_bytes


def _plain_array(content: bytes, name: str) -> NDArray[Any]:
    stream = io.BytesIO(content)
    dtype, shape, order = array_header(stream, name)
    start = stream.tell()
    _check_length(name, dtype, shape, len(content) - start)
    values = np.frombuffer(content, dtype, offset=start) if len(content) > start else np.empty(0, dtype)
    return values.reshape(shape, order=order)


def array_header(stream: Any, name: str) -> tuple[np.dtype[Any], tuple[int, ...], Literal["F", "C"]]:
    """Read an array's header off a stream: its dtype, its shape, and the order of its elements.

    Raises:
        ValueError: It is damaged, or the array is of Python objects.
    """
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"{name} is an array of the format {version}")
    try:
        shape, by_columns, dtype = readers[version](stream)
    except Exception as error:  # Python's tokenizer and parser, by which numpy reads it, raise what they like
        raise ValueError(f"{name} has a damaged header") from error
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, which are not loaded")
    return dtype, shape, "F" if by_columns else "C"


def _check_length(name: str, dtype: np.dtype[Any], shape: tuple[int, ...], length: int) -> None:
    if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize != length:
        raise ValueError(f"{name} has {length:,} bytes for the shape {shape}")
