"""What happens to predictors in a child process made by `fork`."""

import os
import weakref
from typing import Protocol


class AfterFork(Protocol):
    """Anything that must know that it now lives in a forked child."""

    def after_fork(self) -> None:
        """Called in the child, before any other code runs there."""


_told: "weakref.WeakSet[AfterFork]" = weakref.WeakSet()


def register_after_fork(listener: AfterFork) -> None:
    """Call the listener's `after_fork` in every child forked from now on."""
    _told.add(listener)


def abandon(engine: object) -> None:
    """Keep an engine of the parent process for ever, even when the interpreter ends.

    To free it would be to wait for its threads, which are not in this process.
    """
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))


def _after_fork() -> None:
    for listener in tuple(_told):
        listener.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)
