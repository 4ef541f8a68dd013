"""This process: the CPUs that it may use, what happens in its forks, and silence for libraries that print."""

import os
import warnings
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

_STDOUT, _STDERR = 1, 2


def usable_cpus() -> tuple[int, ...]:
    """Return the CPUs this process may be pinned to; none where the system does not pin: macOS, Windows."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def usable_cpu_count() -> int:
    """Return how many CPUs this process may use, at least 1: often fewer than the machine has.

    Python 3.13 knows it, and takes another number from its users: `-X cpu_count` or PYTHON_CPU_COUNT.
    """
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    return len(usable_cpus()) or os.cpu_count() or 1


_listeners: "weakref.WeakSet[Any]" = weakref.WeakSet()


def register_after_fork(listener: Any) -> None:
    """Call the listener's `after_fork` in every child forked from now on, before other code runs there."""
    _listeners.add(listener)


def abandon(engine: object) -> None:
    """Keep an engine of the parent process for ever, even when the interpreter ends.

    To free it would be to wait for its threads, which are not in this process.
    """
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))


def _after_fork() -> None:
    for listener in tuple(_listeners):
        listener.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def quiet() -> Iterator[None]:
    """Discard what Python and native code print and warn of inside the block; exceptions pass through.

    Converters and engines write to the process's own stdout and stderr.
    """
    saved = {number: os.dup(number) for number in (_STDOUT, _STDERR)}
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sink = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123 - a device
        stack.enter_context(redirect_stdout(sink))
        stack.enter_context(redirect_stderr(sink))
        try:
            for number in saved:
                os.dup2(sink.fileno(), number)
            yield
        finally:
            for number, descriptor in saved.items():
                os.dup2(descriptor, number)
                os.close(descriptor)
