"""A lock on a folder that ends with the process that holds it, however that ends.

It leaves no file behind. Windows has no lock on folders: there, two exports into one folder at the same time
are not kept apart.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":

    @contextmanager
    def locked(_folder: Path) -> Iterator[None]:
        """Hold nothing."""
        yield

    def is_locked(_folder: Path) -> bool | None:
        """Return None, since it cannot be known."""
        return None

else:
    import fcntl

    @contextmanager
    def locked(folder: Path) -> Iterator[None]:
        """Hold a folder's lock, waiting for it if need be; the same process must not ask for it twice.

        Raises:
            OSError: The folder cannot be opened.
        """
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def is_locked(folder: Path) -> bool | None:
        """Return whether a living process holds a folder's lock; None where that cannot be known."""
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
