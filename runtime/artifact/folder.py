"""An artifact folder that changes as a whole: the manifest and every file it records, or none of them.

A new set is made in a hidden folder beside the old one. One rename of that folder is the moment at which
the new set takes the old one's place; moving its files to where they belong comes after, and whoever opens
the folder next can do that too. So a process killed at any moment leaves the old set or the new one, never
a mixture. What the new set displaces goes to the folder `previous`.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import ManifestError
from ..files import CHECK_DISK, writing
from .manifest import MANIFEST_NAME, read_manifest
from .previous import archive, displace, is_model, same_content
from .settling import COMMITTED

_DISPLACED = ".displaced"
_STAGED_PREFIX = ".edgemnist-staged-"
_TEMPORARY = ".tmp-????????-*"  # of `files.replacing`
_ABANDONED_SECONDS = 3600


# A lock on a folder ends with the process that has it, however that ends, and leaves no file behind. Windows
# has none: there, two exports into one folder at the same time are not kept apart.
if sys.platform == "win32":

    @contextmanager
    def locked(_folder: Path) -> Iterator[None]:
        """Lock nothing."""
        yield

    def is_locked(_folder: Path) -> bool | None:
        """Return None, since it cannot be known."""
        return None

else:
    import fcntl

    @contextmanager
    def locked(folder: Path) -> Iterator[None]:
        """Lock a folder, waiting for it if need be; the same process must not ask for it twice."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def is_locked(folder: Path) -> bool | None:
        """Return whether a living process has locked a folder; None where that cannot be known."""
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return False


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Yield a new hidden folder inside `folder`, and remove it at the end; OutputError as `commit`."""
    with writing(f"to {folder}", CHECK_DISK):
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder)
        staged = Path(tempfile.mkdtemp(dir=folder, prefix=_STAGED_PREFIX))
    try:
        with locked(staged):  # by which others know that its process lives
            yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def commit(staged: Path, folder: Path, *, prepare: Callable[[], None] = lambda: None) -> None:
    """Let the set in `staged` take the place of the one in `folder`.

    Args:
        staged: What `staging` yielded, with a manifest and all that `folder` does not have of it yet.
        folder: The artifacts folder.
        prepare: Called when no other process can change the folder any more, to write into `staged` what
            depends on the set that is there.

    Raises:
        OutputError: The folder cannot be written; the old set is still there unless the new one was complete.
    """
    with writing(f"to {folder}", CHECK_DISK), locked(folder):
        _finish(folder)
        prepare()
        for path in (*staged.iterdir(), staged):
            _sync(path)
        staged.rename(folder / COMMITTED)
        _sync(folder)
        _finish(folder)


def recover(folder: Path) -> bool:
    """Finish a change that was interrupted after it was committed, and return whether there was one.

    A change that another process is making right now is waited for. OutputError as `commit`.
    """
    if not _is_committed(folder):
        return False
    with writing(f"to {folder}", CHECK_DISK), locked(folder):
        return _finish(folder)


def remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left. A file that is young may belong to a running process."""
    for path in folder.glob(f"{_STAGED_PREFIX}*"):
        alive = is_locked(path)
        # An empty one may have been made this moment, and is about to be locked.
        if (alive is False and any(path.iterdir())) or (not alive and _is_old(path)):
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(_TEMPORARY):
        if _is_old(path) and path.is_file():
            path.unlink(missing_ok=True)


def _is_committed(folder: Path) -> bool:
    return (folder / COMMITTED).is_dir() and not (folder / COMMITTED).is_symlink()


def _finish(folder: Path) -> bool:
    """Move a committed set to its place. Every step can be the last one, and is then not done again."""
    if not _is_committed(folder):
        return False
    committed, displaced = folder / COMMITTED, folder / COMMITTED / _DISPLACED
    manifest = committed / MANIFEST_NAME
    if manifest.exists():
        for name in _obsolete(folder, committed):
            displace(folder / name, displaced)
            (folder / name).unlink()
        for path in sorted(committed.iterdir()):
            if path in (manifest, displaced):
                continue
            target = folder / path.name
            if target.is_file() and not same_content(target, path):
                displace(target, displaced)
            path.replace(target)
        manifest.replace(folder / MANIFEST_NAME)
    archive(displaced, folder)
    _sync(folder)
    committed.rmdir()
    return True


def _obsolete(folder: Path, committed: Path) -> list[str]:
    """Return the files of the old set that the new one does not have, but for models: those stay."""
    try:
        previous = read_manifest(folder).files
    except ManifestError:
        return []
    names = previous.keys() - read_manifest(committed).files.keys()
    return sorted(name for name in names if (folder / name).is_file() and not is_model(Path(name)))


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS
    except FileNotFoundError:  # its process was quicker
        return False


def _sync(path: Path) -> None:
    """Have the disk hold a file's content or a folder's entries; folders cannot be opened on Windows."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
