"""Files on disk: hashes, and writes that never leave half a file."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError
from .reading import opened


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hexadecimal digits.

    Raises:
        OSError: It is no regular file, or cannot be read.
    """
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move it there if the block succeeds.

    The temporary file keeps the suffix, since libraries choose a format by it. A failed or interrupted block
    leaves the old file as it was.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _new_file(path)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}",
            fix="Check the folder's permissions and the free space; nothing that was there has changed.",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def require_writable(folder: Path) -> None:
    """Make a folder if need be, and check that files can be written there, before a long job begins.

    Raises:
        OutputError: They cannot.
    """
    import tempfile  # here, since a predictor writes nothing and must start quickly

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".tmp-"):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write into {folder}: {error.strerror or error}",
            fix="Check the folder's permissions and the free space; nothing that was there has changed.",
        ) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` as a whole or not at all.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8 to `path` as a whole or not at all.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    write_bytes(path, content.encode())


def _new_file(path: Path) -> Path:
    """Make an empty file beside `path`, with the permissions that this process gives to its files.

    The system takes the umask off them. To read the umask is to set it for a moment, in which other threads'
    files would be open to everybody.
    """
    created = path.with_name(f".tmp-{os.urandom(8).hex()}-{path.name}")
    os.close(os.open(created, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return created
