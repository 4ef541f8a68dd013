"""Native code: which of it may run here, and the private copy by which it is loaded.

A shared library can do whatever its user can, and no trial run contains that. So it is loaded if this user
built it on this machine, and else only if the caller says so. A build is on record by the sha256 of its
bytes, as an empty file of that name in the user's data directory: such a file is there or not, never half
written, however many processes build at once, and it goes with the content, not with a path. Nothing that
lies beside a library counts.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CODE_SUFFIXES = (".so", ".dylib", ".dll")
_APPLICATION = "edgemnist"
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
        builds.mkdir(mode=0o700, parents=True, exist_ok=True)
        builds.chmod(0o700)
        os.close(os.open(builds / sha256, os.O_WRONLY | os.O_CREAT, 0o600))
    return is_recorded(sha256)


def is_built_here(sha256: str) -> bool:
    """Return whether this user built a library with that content on this machine."""
    return sha256 in _session or is_recorded(sha256)


def is_recorded(sha256: str) -> bool:
    """Return whether the build is on record for later processes too."""
    builds = _builds()
    if builds is None:
        return False
    try:
        folder, build = builds.lstat(), (builds / sha256).lstat()
    except OSError:
        return False
    return stat.S_ISDIR(folder.st_mode) and stat.S_ISREG(build.st_mode) and _ours(folder) and _ours(build)


@contextmanager
def private_copy(content: bytes, suffix: str) -> Iterator[Path]:
    """Yield a file with that content which only this user can write, and remove it afterwards.

    Its path is one that no library had before, since the system's loader knows libraries by their path.

    Raises:
        EngineError: As `private_folder` raises it.
    """
    from .private_folder import private_folder  # here, since every predictor imports this module

    with private_folder() as folder:
        copy = folder / f"model{suffix}"
        copy.write_bytes(content)
        yield copy


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
