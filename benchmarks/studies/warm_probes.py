"""Probes that are forked from one process with the engines imported, instead of started one by one.

Of the third of a second that a probe costs, nearly all goes to starting Python and importing the engine. A
fork of a process that has done both runs the same code under the same limits in hundredths of a second.
"""

import os
import pickle
import select
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import BinaryIO, Self

from ...runtime.engines.registry import ENGINES, ModelFile
from ...runtime.isolation import probe as probing
from ...runtime.isolation.probe import Probe, Reader, Task
from ...runtime.isolation.probe_child import answer

_READ_BYTES = 65536


class WarmProbes:
    """A process that is asked to try models, one at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this module
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | probing.ENVIRONMENT,
        )

    def run_child(
        self, source: ModelFile, limits: Probe, read: Reader | None = None
    ) -> "subprocess.CompletedProcess[bytes] | None":
        """Try a model as `probing.run_child` does.

        Raises:
            RuntimeError: The process that should fork is gone.
        """
        asked, answered = self._process.stdin, self._process.stdout
        if asked is None or answered is None:
            raise RuntimeError("no pipes")
        try:
            pickle.dump(Task(source, limits, read), asked)
            asked.flush()
            ended: tuple[int, bytes] | None = pickle.load(answered)  # noqa: S301 - from this module
        except (OSError, EOFError) as error:
            raise RuntimeError("the process that forks probes is gone") from error
        return None if ended is None else subprocess.CompletedProcess(["fork"], ended[0], stdout=ended[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()


def serve(asked: BinaryIO, answered: BinaryIO) -> None:
    """Fork for each task that comes, and send how it ended: exit code and answers, or None after its time."""
    for entry in ENGINES.values():
        if entry.light and entry.available:
            entry.import_module()
    while True:
        try:
            task: Task = pickle.load(asked)  # noqa: S301 - from this module
        except EOFError:
            return
        pickle.dump(_forked(task), answered)
        answered.flush()


def _forked(task: Task) -> tuple[int, bytes] | None:
    if sys.platform == "win32":
        raise RuntimeError("Windows cannot fork")
    else:  # noqa: RET506 - type checkers leave out the other branch, not what follows it
        readable, writable = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(readable)
                with os.fdopen(writable, "w") as answers:
                    answer(task, answers)
            finally:
                os._exit(1)
        os.close(writable)
        content = _read_until_closed(readable, task.limits.wall_seconds)
        os.close(readable)
        if content is None:
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return None if content is None else (code, content)


def _read_until_closed(readable: int, seconds: float) -> bytes | None:
    content, deadline = b"", time.monotonic() + seconds
    while select.select([readable], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(readable, _READ_BYTES)
        if not piece:
            return content
        content += piece
    return None


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)  # engines print there
        serve(sys.stdin.buffer, pipe)
