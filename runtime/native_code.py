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

from .errors import EngineError

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
        EngineError: Every folder for it is on a file system that is mounted `noexec`.
    """
    import tempfile  # here, since every predictor imports this module and must start quickly

    with tempfile.TemporaryDirectory(
        prefix="edgemnist-", dir=_executable_folder(), ignore_cleanup_errors=True
    ) as folder:
        copy = Path(folder, f"model{suffix}")
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


def _executable_folder() -> Path:
    """Return a folder for temporary files from which code can be loaded: `/tmp` is often mounted noexec."""
    import tempfile

    from platformdirs import user_cache_path

    temporary, cache = Path(tempfile.gettempdir()), user_cache_path(_APPLICATION, appauthor=False)
    if _allows_code(temporary):
        return temporary
    if cache.is_absolute():
        with suppress(OSError):
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _allows_code(cache) and os.access(cache, os.W_OK):
                return cache
    raise EngineError(
        "there is no folder from which a library could be loaded",
        received=f"{temporary} and {cache}, which are mounted noexec or cannot be written",
        fix="Name another one: TMPDIR=/some/folder.",
    )


def _allows_code(folder: Path) -> bool:
    noexec = getattr(os, "ST_NOEXEC", 0)  # on Linux only
    return not noexec or not os.statvfs(folder).f_flag & noexec
