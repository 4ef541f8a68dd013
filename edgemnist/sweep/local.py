"""Requests answered on this machine, each in a process of its own."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec

from .tasks import Reply
from .worker import LENGTH_BYTES

# Without -P it would import what lies in the current folder, which may be a stranger's.
WORKER = (sys.executable, "-P", "-m", "edgemnist.sweep.worker")
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}


class LocalPool:
    """As many processes at once as wanted; those that run when the block ends are killed."""

    def __init__(self, processes: int, command: tuple[str, ...] = WORKER) -> None:
        """Start nothing yet.

        Args:
            processes: How many at once.
            command: The worker program.
        """
        self._processes = processes
        self._pool = ThreadPoolExecutor(processes, "sweep")
        self._command = command
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock, self._ended = threading.Lock(), False

    def submit(self, request: bytes) -> "Future[bytes]":
        """Return the answer to a request, as soon as there is one."""
        return self._pool.submit(self._answer, request)

    def slots(self) -> int:
        """Return how many requests to have under way at once."""
        return self._processes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended = True
            for process in self._running:
                process.kill()
        self._pool.shutdown(cancel_futures=True)

    def _answer(self, request: bytes) -> bytes:
        with self._lock:
            if self._ended:
                return b""
            process = subprocess.Popen(  # noqa: S603 - our own module, with this interpreter
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | _ENVIRONMENT,
                start_new_session=True,  # Ctrl-C reaches this process alone, which then ends them
            )
            self._running.add(process)
        with process:  # which closes its pipes
            try:
                return _talk(process, request)
            finally:
                with self._lock:
                    self._running.discard(process)
                process.kill()


def _talk(process: "subprocess.Popen[bytes]", request: bytes) -> bytes:
    """Send a request, and keep the pipe open until the answer is there: a worker ends where it breaks."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - all three are pipes
    errors: list[bytes] = []
    listener = threading.Thread(target=lambda stream: errors.append(stream.read()), args=(process.stderr,))
    listener.start()
    with suppress(BrokenPipeError):  # how it ended is told below
        process.stdin.write(len(request).to_bytes(LENGTH_BYTES, "little") + request)
        process.stdin.flush()
    answer = process.stdout.read()
    code = process.wait()
    listener.join()
    with suppress(BrokenPipeError):
        process.stdin.close()
    return answer if code == 0 else msgspec.msgpack.encode(Reply(error=_how_it_ended(code, errors[0])))


def _how_it_ended(code: int, errors: bytes) -> str:
    if code < 0:
        return f"its process died of signal {-code} ({signal.strsignal(-code) or 'unknown'})"
    lines = errors.decode(errors="replace").strip().splitlines()
    last = f": {lines[-1].strip()}" if lines else ""
    return f"its process ended with exit code {code}{last}"
