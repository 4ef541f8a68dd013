"""The one place that opens a file which a stranger may have written, with limits for what is read of it.

A name in a folder may be a link to another place, a pipe that never ends, a device, or larger than memory.
All of these are an `OSError` or a `ValueError` here, before anything has grown.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import io

MAX_JSON_BYTES = 64 * 1024 * 1024
MAX_JSON_VALUES = 1_000_000  # as Python objects these take about 100 MB


@contextmanager
def opened(path: Path, *, inside: Path | None = None) -> Iterator["io.BufferedReader"]:
    """Open a regular file for reading; never wait for another program.

    Args:
        path: The file. Links are followed unless `inside` is given.
        inside: The folder that the file must lie right in; a link to another file of the folder will do.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: It is a folder, a pipe or a device, cannot be read, or is a link out of `inside`.
    """
    if inside is not None and path.is_symlink():
        path = _linked(path, inside)
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    )
    if inside is not None:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        found = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise OSError(errno.EINVAL, f"{found}, not a file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        yield file


def read_limited(path: Path, max_bytes: int, *, inside: Path | None = None) -> bytes:
    """Return a file's content.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: It cannot be opened as `opened` does, or has more than `max_bytes`.
    """
    with opened(path, inside=inside) as file:
        size = os.fstat(file.fileno()).st_size  # as much as `read` is told to, it allocates
        content = file.read(min(size, max_bytes) + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"more than {max_bytes:,} bytes", str(path))
    return content


def read_json_bytes(path: Path, *, inside: Path | None = None) -> bytes:
    """Return the bytes of a JSON document of at most `MAX_JSON_BYTES` and about `MAX_JSON_VALUES`.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As `read_limited` has it.
        ValueError: It has too many values.
    """
    content = read_limited(path, MAX_JSON_BYTES, inside=inside)
    values = sum(content.count(sign) for sign in (b",", b"[", b"{"))
    if values > MAX_JSON_VALUES:
        raise ValueError(f"more than {MAX_JSON_VALUES:,} values")
    return content


def read_json(path: Path, *, inside: Path | None = None) -> Any:
    """Return a JSON document without a type, limited as `read_json_bytes` has it.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As `read_limited` has it.
        ValueError: It is not JSON, nested too deeply, or of too many values.
    """
    content = read_json_bytes(path, inside=inside)
    try:
        return json.loads(content.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("values nested too deeply") from error


def leads_out(path: Path, folder: Path) -> bool:
    """Return whether a name right in a folder is a link to what is not."""
    # Not `Path.resolve`, which up to Python 3.12 raises RuntimeError for a link to itself.
    return path.is_symlink() and Path(os.path.realpath(path)).parent != Path(os.path.realpath(folder))


def _linked(path: Path, folder: Path) -> Path:
    """Return the file of the folder that a link in it leads to."""
    if leads_out(path, folder):
        raise OSError(errno.ELOOP, "a link out of the folder", str(path))
    return Path(os.path.realpath(path))
