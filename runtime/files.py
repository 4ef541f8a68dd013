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
    import tempfile  # here, since a predictor writes nothing and must start quickly

    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-", suffix=f"-{path.name}")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
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
    import tempfile

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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
