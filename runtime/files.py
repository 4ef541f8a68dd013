"""The one place that opens a file which a stranger may have written, and writes that never leave half a file.

A name in a folder may be a link to another place, a pipe that never ends, a device, or larger than memory.
All of these are an `OSError` or a `ValueError` here, before anything has grown.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ArtifactError, ArtifactNotFoundError, OutputError

if TYPE_CHECKING:
    import io

MAX_MODEL_BYTES = 512 * 1024 * 1024
_MAX_JSON_BYTES = 64 * 1024 * 1024
_MAX_JSON_VALUES = 1_000_000  # as Python objects these take about 100 MB
CHECK_DISK = "Check the folder's permissions and the free space."
_UNCHANGED = f"{CHECK_DISK[:-1]}; nothing that was there has changed."


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
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY", *(("O_NOFOLLOW",) if inside else ())):
        flags |= getattr(os, name, 0)
    if inside is not None and path.is_symlink():
        if leads_out(path, inside):
            raise OSError(errno.ELOOP, "a link out of the folder", str(path))
        path = Path(os.path.realpath(path))
    descriptor = os.open(path, flags)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        found = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise OSError(errno.EINVAL, f"{found}, not a file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        yield file


def leads_out(path: Path, folder: Path) -> bool:
    """Return whether a name right in a folder is a link to what is not."""
    # Not `Path.resolve`, which up to Python 3.12 raises RuntimeError for a link to itself.
    return path.is_symlink() and Path(os.path.realpath(path)).parent != Path(os.path.realpath(folder))


def read_limited(path: Path, max_bytes: int, *, inside: Path | None = None) -> bytes:
    """Return a file's content; OSError as `opened` has it, and for more than `max_bytes`."""
    with opened(path, inside=inside) as file:
        size = os.fstat(file.fileno()).st_size  # as much as `read` is told to, it allocates
        content = file.read(min(size, max_bytes) + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"more than {max_bytes:,} bytes", str(path))
    return content


def read_json_bytes(path: Path, *, inside: Path | None = None) -> bytes:
    """Return the bytes of a JSON document of limited size; ValueError if it has too many values."""
    content = read_limited(path, _MAX_JSON_BYTES, inside=inside)
    if sum(content.count(sign) for sign in (b",", b"[", b"{")) > _MAX_JSON_VALUES:
        raise ValueError(f"more than {_MAX_JSON_VALUES:,} values")
    return content


def read_json(path: Path, *, inside: Path | None = None) -> Any:
    """Return a JSON document without a type; ValueError if it is none, too large or nested too deeply."""
    import json  # here, since a predictor must start quickly

    content = read_json_bytes(path, inside=inside)
    try:
        return json.loads(content.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("values nested too deeply") from error


def read_model(path: Path) -> bytes:
    """Return the content of a model file.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is a folder, empty, unreadable, or larger than `MAX_MODEL_BYTES`.
    """
    if not path.exists():
        raise ArtifactNotFoundError(
            f"no such file: {path}", fix="`edgemnist export` makes artifacts in the folder artifacts."
        )
    try:
        content = read_limited(path, MAX_MODEL_BYTES)
    except OSError as error:
        problems = {errno.EFBIG: "is too large for a model", errno.EINVAL: "is not a model"}
        raise ArtifactError(
            f"{path} {problems.get(error.errno or 0, 'cannot be read')}",
            received=error.strerror,
            expected=f"a model file of at most {MAX_MODEL_BYTES:,} bytes",
        ) from error
    if not content:
        raise ArtifactError(f"{path} is not a model", received="an empty file", expected="a model file")
    return content


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hexadecimal digits; OSError as `opened` has it."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def writing(target: str, fix: str = _UNCHANGED) -> Iterator[None]:
    """Raise OutputError, "cannot write `target`", for an OSError of the block."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}", fix=fix) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move it there if the block succeeds.

    The temporary file keeps the suffix, since libraries choose a format by it. A failed or interrupted block
    leaves the old file as it was.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    temporary = path.with_name(f".tmp-{os.urandom(8).hex()}-{path.name}")
    with writing(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        # With the permissions that this process gives to its files: the system takes the umask off them. To
        # read the umask is to set it for a moment, in which other threads' files would be open to everybody.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def require_writable(folder: Path) -> None:
    """Make a folder if need be, and raise OutputError, before a long job, if nothing can be written there."""
    import tempfile  # here, since a predictor writes nothing and must start quickly

    with writing(f"into {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder, prefix=".tmp-").close()


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` as a whole or not at all; OutputError if it cannot be written."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8, as `write_bytes` does."""
    write_bytes(path, content.encode())
