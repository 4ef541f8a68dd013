"""Reading from a folder whose files an export may be replacing at this moment.

A publication takes milliseconds. Until its last rename the files are new and the manifest is old, so a file
is known to be of one set only if its hash is the one that the manifest records. Where it is not, the reader
waits for the publication, finishes it if its process is dead, and reads again.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ..errors import ArtifactNotFoundError, IntegrityError, ManifestError
from .manifest import MANIFEST_NAME

COMMITTED = ".edgemnist-committed"
ATTEMPTS = 20

Content = TypeVar("Content")
State = tuple[tuple[int, ...] | None, bool]


def state_of(folder: Path) -> State:
    """Return what changes with every publication: the manifest's identity, and whether one is under way."""
    manifest = None
    with suppress(OSError):
        found = (folder / MANIFEST_NAME).stat()
        manifest = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
    return manifest, os.path.lexists(folder / COMMITTED)


def read_settled(folder: Path, read: Callable[[], Content]) -> Content:
    """Return what `read` finds in a folder, reading again where an export changed the folder meanwhile.

    What it raises where a file and its record do not match is raised here if no export is the cause.

    Raises:
        OutputError: An interrupted export cannot be finished.
    """
    for _ in range(ATTEMPTS):
        before = state_of(folder)
        try:
            return read()
        except (ArtifactNotFoundError, IntegrityError, ManifestError):
            from .folder import recover  # here, since a predictor must start quickly

            # Waits for a publication that is under way.
            if not recover(folder) and state_of(folder) == before:
                raise
    raise IntegrityError(
        f"{folder} changes faster than it can be read", fix="Try again when no export is running there."
    )
