"""An artifact folder that changes as a whole: the manifest and every file it records, or none of them.

A new set is made in a hidden folder beside the old one. One rename of that folder is the moment at which
the new set takes the old one's place; moving its files to where they belong comes after, and whoever opens
the folder next can do that too. So a process killed at any moment leaves the old set or the new one, never
a mixture.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ManifestError, OutputError
from .manifest import MANIFEST_NAME, read_manifest

_COMMITTED = ".edgemnist-committed"
_STAGED_PREFIX = ".edgemnist-staged-"
_ABANDONED_SECONDS = 3600


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Yield a new hidden folder inside `folder`, on the same file system, and remove it if it is still there.

    Raises:
        OutputError: The folder cannot be written.
    """
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        staged = Path(tempfile.mkdtemp(dir=folder, prefix=_STAGED_PREFIX))
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def commit(staged: Path, folder: Path) -> None:
    """Let the set in `staged` take the place of the one in `folder`.

    `staged` holds a manifest, and every file that the manifest records and `folder` does not have yet.

    Raises:
        OutputError: The folder cannot be written; the old set is still there unless the new one was complete.
    """
    recover(folder)
    with _writing(folder):
        for path in staged.iterdir():
            _sync(path)
        staged.rename(folder / _COMMITTED)
        _sync(folder)
    recover(folder)


def recover(folder: Path) -> bool:
    """Finish a change that was interrupted after it was committed, and say whether there was one.

    Raises:
        OutputError: The folder cannot be written.
    """
    committed = folder / _COMMITTED
    if not committed.is_dir() or committed.is_symlink():
        return False
    with _writing(folder):
        manifest = committed / MANIFEST_NAME
        if manifest.exists():
            _remove_obsolete(folder, committed)
            for path in committed.iterdir():
                if path != manifest:
                    path.replace(folder / path.name)
            manifest.replace(folder / MANIFEST_NAME)
        _sync(folder)
        committed.rmdir()
    return True


def _remove_obsolete(folder: Path, committed: Path) -> None:
    try:
        previous = read_manifest(folder).files
    except ManifestError:
        return
    for name in previous.keys() - read_manifest(committed).files.keys():
        (folder / name).unlink(missing_ok=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left; a young one may still belong to a running process."""
    for path in folder.glob(f"{_STAGED_PREFIX}*"):
        if time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """Have the disk hold a file's content or a folder's entries; folders cannot be opened on Windows."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}",
            fix="Check the folder's permissions and the free space.",
        ) from error
