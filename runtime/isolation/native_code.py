"""Native code: which of it may run here, and the private folder in which it is built and loaded.

A shared library can do whatever its user can, and no trial run contains that. So it is loaded if this user
built it on this machine, and else only if the caller says so. A build is on record by the sha256 of its
bytes, as an empty file of that name in the user's data directory: such a file is there or not, never half
written, however many processes build at once, and it goes with the content, not with a path. Nothing that
lies beside a library counts.
"""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EngineError, OutputError
from ..files import write_bytes

if TYPE_CHECKING:
    import tempfile

CODE_SUFFIXES = (".so", ".dylib", ".dll")
_APPLICATION = "edgemnist"
# Where programs may run if not in the place for temporary files: most systems keep one of these executable.
_OTHER_PLACES = ("~/.cache", "/var/tmp", "/dev/shm")  # noqa: S108 - a folder of our own is made in there
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_session: set[str] = set()


def remember_build(sha256: str) -> bool:
    """Record a library that was built here; return whether later processes will know it.

    Where the user's data directory is missing or cannot be written, only this process and its forks know it.
    """
    _session.add(sha256)
    builds = _builds()
    if builds is None:
        return False
    with suppress(OSError):
        _make_private(builds)
        os.close(os.open(builds / sha256, os.O_WRONLY | os.O_CREAT, 0o600))
    return is_recorded(sha256)


def keep_build(name: str, content: bytes) -> Path | None:
    """Keep code that was built here, beside the records; return its path, or None if it cannot be kept."""
    builds = _builds()
    if builds is None:
        return None
    with suppress(OSError, OutputError):
        _make_private(builds)
        write_bytes(builds / name, content)
        (builds / name).chmod(0o600)
    return kept_build(name)


def kept_build(name: str) -> Path | None:
    """Return the path of code that this user built here and keeps, or None."""
    builds = _builds()
    return builds / name if builds is not None and _is_private(builds, name) else None


def is_built_here(sha256: str) -> bool:
    """Return whether this user built a library with that content on this machine."""
    return sha256 in _session or is_recorded(sha256)


def is_recorded(sha256: str) -> bool:
    """Return whether the build is on record for later processes too."""
    builds = _builds()
    return builds is not None and _is_private(builds, sha256)


def _make_private(builds: Path) -> None:
    builds.mkdir(mode=0o700, parents=True, exist_ok=True)
    builds.chmod(0o700)


def _is_private(builds: Path, name: str) -> bool:
    """Return whether there is a file of that name which nobody but this user can have put there."""
    try:
        folder, build = builds.lstat(), (builds / name).lstat()
    except OSError:
        return False
    return stat.S_ISDIR(folder.st_mode) and stat.S_ISREG(build.st_mode) and _ours(folder) and _ours(build)


@contextmanager
def private_copy(content: bytes, suffix: str) -> Iterator[Path]:
    """Yield a file with that content which only this user can write, and remove it afterwards.

    Its path is one that no library had before, since the system's loader knows libraries by their path.
    """
    with private_folder() as folder:
        copy = folder / f"model{suffix}"
        copy.write_bytes(content)
        yield copy


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a new empty folder that only this user may enter and that may hold what is executed.

    It is removed at the end; a library loaded from there stays in memory. The system's own temporary folder
    is often mounted `noexec` where an administrator was careful: what is built there does not run, with an
    error that names neither the cause nor the cure. EngineError if every place is like that.
    """
    with _made() as folder:
        yield Path(folder)


def _made() -> "tempfile.TemporaryDirectory[str]":
    import tempfile  # here, since every predictor imports this module

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
    import tempfile

    with suppress(FileNotFoundError):  # there is none that can be written
        yield Path(tempfile.gettempdir())
    if os.name == "posix":
        yield from (Path(place).expanduser() for place in _OTHER_PLACES)


def _allows_execution(folder: Path) -> bool:
    """Return whether the system maps a file of this folder as code, which is what its loader does.

    Only Linux is asked: elsewhere pages without a signature may be refused for other reasons.
    """
    if sys.platform == "linux":
        import mmap

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


def _builds() -> Path | None:
    """Return the folder of records, or None for a user without a data directory."""
    from platformdirs import user_data_path  # here, since no other engine needs it

    folder = user_data_path(_APPLICATION, appauthor=False) / "libraries"
    return folder if folder.is_absolute() else None  # it begins with "~" where nobody knows a home


def _ours(status: os.stat_result) -> bool:
    """Return whether nobody but this user can have written it; Windows keeps the data directory private."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE
