"""Helper processes: fresh interpreters that work beside the training step and never outlive it."""

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any, Self

from ...runtime.errors import EdgeMnistError, HelperError, first_line

# One core each: more threads would contend with the training step, and could change the last bits.
# And nothing is imported from the current folder, which may be a stranger's.
ENVIRONMENT = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONSAFEPATH"), "1"
)
STOP_SECONDS = 5.0


class Helper:
    """A process that answers each message with what a function returns for it.

    It is spawned, not forked, since TensorFlow's threads do not survive a fork. If this process is killed,
    the pipe breaks, and the helper ends as soon as it next reads or writes. `concurrent.futures` does neither
    that, nor does it notice a worker that is killed while it sends a large result (Python 3.11).
    """

    def __init__(self, purpose: str, prepare: Callable[..., Callable[[Any], Any]], *arguments: Any) -> None:
        """Start the process, which calls `prepare(*arguments)` once for the function that works.

        `prepare` is a function of a module; `purpose` is for messages, such as "augmenting".
        """
        self._purpose = purpose
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, prepare, arguments), daemon=True)
        before = {name: os.environ.get(name) for name in ENVIRONMENT}
        os.environ.update(ENVIRONMENT)  # read when the process imports numpy, before any of our code runs
        try:
            self._process.start()
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        theirs.close()

    def send(self, message: Any) -> None:
        """Send a message, or raise `HelperError` if the process has ended."""
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._died() from error

    def receive(self) -> Any:
        """Wait for the answer to the oldest message that has none yet.

        Raises:
            HelperError: The process failed or has ended.
        """
        try:
            answer, failure = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error
        if failure:
            raise HelperError(f"the process for {self._purpose} failed", received=failure)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, whatever it does."""
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()  # last: a thread that waits for an answer is woken by the process's end

    def _died(self) -> HelperError:
        self._process.join(STOP_SECONDS)
        code = self._process.exitcode
        how = f"it ended with exit code {code}"
        if code is not None and code < 0:
            how = f"it died of signal {-code} ({signal.strsignal(-code) or 'unknown'})"
        problem = f"the process for {self._purpose} is gone"
        return HelperError(problem, received=how, fix="Check the free memory, and try again.")


def _serve(connection: Any, prepare: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    """Work in the helper process; each answer goes with why it failed, which is "" if it did not."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us
    try:
        work = prepare(*arguments)
        while True:
            connection.send((work(connection.recv()), ""))
    except (BrokenPipeError, EOFError, ConnectionResetError):
        return  # the parent is gone
    except EdgeMnistError as error:
        connection.send((None, str(error)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        connection.send((None, f"{type(error).__name__}: {first_line(error)}"))
