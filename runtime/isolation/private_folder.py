"""A temporary folder of this user alone in which programs can run and libraries can be loaded.

The system's own temporary folder is often mounted `noexec` where an administrator was careful. Programs that
are built in it then do not start, and libraries do not load, with an error that names neither the cause nor
the cure.
"""

import mmap
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import EngineError

# Where there is no better place: most systems keep one of these executable.
_OTHER_PLACES = ("~/.cache", "/var/tmp", "/dev/shm")  # noqa: S108 - a folder of our own is made in there


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a new empty folder that only this user may enter and that may hold what is executed.

    It is removed at the end, with all that is in it. A library loaded from there stays in memory.

    Raises:
        EngineError: Every place for temporary files is on a file system mounted `noexec`, or not writable.
    """
    with _made() as folder:
        yield Path(folder)


def _made() -> "tempfile.TemporaryDirectory[str]":
    tried = []
    for place in _places():
        with suppress(OSError):
            # Windows does not remove a library that is loaded.
            folder = tempfile.TemporaryDirectory(prefix="edgemnist-", dir=place, ignore_cleanup_errors=True)
            if _allows_execution(Path(folder.name)):
                return folder
            folder.cleanup()
        tried.append(str(place))
    raise EngineError(
        "there is no temporary folder in which programs may run",
        received=f"not writable, or mounted noexec: {', '.join(tried) or 'every place for temporary files'}",
        fix="Set the variable TMPDIR to a folder on a file system that is mounted without noexec.",
    )


def _places() -> Iterator[Path]:
    with suppress(FileNotFoundError):  # there is none that can be written
        yield Path(tempfile.gettempdir())
    if os.name == "posix":
        yield from (Path(place).expanduser() for place in _OTHER_PLACES)


def _allows_execution(folder: Path) -> bool:
    """Return whether the system maps a file of this folder as code, which is what its loader does.

    Only Linux is asked: elsewhere pages without a signature may be refused for other reasons.
    """
    if sys.platform == "linux":
        path = folder / "page"
        path.write_bytes(bytes(mmap.PAGESIZE))
        protection = mmap.PROT_READ | mmap.PROT_EXEC
        try:
            with path.open("rb") as file:
                mmap.mmap(file.fileno(), mmap.PAGESIZE, flags=mmap.MAP_PRIVATE, prot=protection).close()
        except PermissionError:
            return False
        finally:
            path.unlink()
    return True
