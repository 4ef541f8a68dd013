"""Requests answered on a Ray cluster, by Ray's own scheduling, retries and resources."""

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from ..runtime.errors import EngineError, MissingExtraError, first_line
from .tasks import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from types import TracebackType

RETRIES = 5  # of a task whose process or node died; what fails by itself is an answer, and final
_WAITING_PER_CPU = 2
_CONNECT_SECS = 15.0


def connect(ray: Any, address: str) -> bool:
    """Connect to a cluster, unless this process is connected already, and return whether it was not.

    Raises:
        EngineError: There is no cluster at that address.
    """
    if ray.is_initialized():
        return False
    try:
        _require_listener(address)
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineError(
            "cannot connect to the Ray cluster",
            received=f"{address} ({first_line(error)})",
            fix="`ray status` shows one that runs on this machine; `ray start --head` starts one.",
        ) from error
    return True


def _require_listener(address: str) -> None:
    """Raise OSError where nothing listens at host:port; Ray (2.60) tries that for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECS).close()


@contextmanager
def connected(ray: Any, address: str) -> "Iterator[None]":
    """Be connected to a cluster in the block; errors as of `connect`."""
    owned = connect(ray, address)
    try:
        yield
    finally:
        if owned:
            ray.shutdown()


class RayPool:
    """A Ray cluster whose nodes have the same edgemnist, with its extra `export`, installed.

    Each task takes a CPU and a process of its own, so that its answer depends on nothing before it. Requests
    and answers are bytes.
    """

    def __init__(self, address: str, *, num_cpus: float = 1.0) -> None:
        """Connect.

        Args:
            address: Of the cluster, as `ray.init` takes it: "auto", host:port, ray://host:port, or "local".
            num_cpus: What one task takes.

        Raises:
            EngineError: There is no cluster at that address.
            MissingExtraError: Ray is not installed.
        """
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("ray", "cluster", "A Ray cluster") from error
        self._ray: Any = ray
        self._owned = connect(ray, address)
        environment = {"env_vars": {"CUDA_VISIBLE_DEVICES": "-1", "OMP_NUM_THREADS": "1"}}
        options = {"num_cpus": num_cpus, "max_calls": 1, "max_retries": RETRIES, "runtime_env": environment}
        self._run = ray.remote(**options)(run)
        self._num_cpus = num_cpus
        self._references: dict[Future[bytes], Any] = {}

    def submit(self, request: bytes) -> "Future[bytes]":
        """Return the answer to a request, as soon as there is one."""
        reference = self._run.remote(request)
        future: Future[bytes] = reference.future()
        self._references[future] = reference
        future.add_done_callback(lambda done: self._references.pop(done, None))
        return future

    def slots(self) -> int:
        """Return how many requests to have under way at once: more than run, so that no node waits."""
        cpus = self._ray.cluster_resources().get("CPU", 1.0)
        return max(1, int(_WAITING_PER_CPU * cpus / self._num_cpus))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: "TracebackType | None",
    ) -> None:
        for reference in list(self._references.values()):
            self._ray.cancel(reference, force=True)
        if self._owned:
            self._ray.shutdown()
