"""Helper processes: fresh interpreters that work beside the training step and never outlive it."""

import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Self

from ...runtime.errors import EdgeMnistError, HelperError, first_line

if sys.platform == "win32":
    from multiprocessing.connection import PipeConnection as Connection
else:
    from multiprocessing.connection import Connection

__all__ = ["Connection", "Helper"]

# One core each: more threads would contend with the training step, and could change the last bits.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# Nothing is imported from the current folder, which may be a stranger's.
ENVIRONMENT = ONE_THREAD | {"PYTHONSAFEPATH": "1"}
STOP_SECONDS = 5.0

Work = Callable[..., None]
"""What a helper does: `work(connection, *arguments)`, a function at the top of a module."""


class Helper:
    """One helper process and the pipe to it.

    It is spawned, not forked, since TensorFlow's threads do not survive a fork. If this process is killed,
    the pipe breaks, and the helper ends as soon as it next reads or writes.
    """

    def __init__(self, purpose: str, work: Work, *arguments: Any) -> None:
        """Start the process; `purpose` says in messages what it does, such as "augmenting"."""
        self._purpose = purpose
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(work, theirs, *arguments), daemon=True)
        before = {name: os.environ.get(name) for name in ENVIRONMENT}
        os.environ.update(ENVIRONMENT)  # read when the process imports numpy, before any of our code runs
        try:
            self._process.start()
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        theirs.close()

    @property
    def connection(self) -> Connection:
        """The pipe, to wait on several helpers."""
        return self._connection

    def send(self, message: Any) -> None:
        """Send a message.

        Raises:
            HelperError: The process has ended.
        """
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._died() from error

    def receive(self) -> Any:
        """Wait for the next message.

        Raises:
            HelperError: The process failed or has ended.
        """
        try:
            message = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error
        if isinstance(message, _Failure):
            raise HelperError(f"the process for {self._purpose} failed", received=message.reason)
        return message

    def stop(self) -> None:
        """End the process, whatever it does."""
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()  # last: a thread that waits for a message is woken by the process's end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _died(self) -> HelperError:
        self._process.join(STOP_SECONDS)
        code = self._process.exitcode
        if code is not None and code < 0:
            how = f"it died of signal {-code} ({signal.strsignal(-code) or 'unknown'})"
        else:
            how = f"it ended with exit code {code}"
        return HelperError(
            f"the process for {self._purpose} is gone",
            received=how,
            fix="Check the free memory, and try again.",
        )


class _Failure:
    """The last message of a helper that failed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _serve(work: Work, connection: Connection, *arguments: Any) -> None:
    """Run `work` in the helper process, and send why it failed, if it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us
    try:
        work(connection, *arguments)
    except (BrokenPipeError, EOFError, ConnectionResetError):
        return  # the parent is gone
    except EdgeMnistError as error:
        connection.send(_Failure(str(error)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        connection.send(_Failure(f"{type(error).__name__}: {first_line(error)}"))
