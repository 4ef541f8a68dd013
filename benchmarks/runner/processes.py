"""Worker processes: start one, wait, and turn every way it can end into a result."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...runtime.signature import ModelSignature
from ..worker.task import Facts, Task, read_reply, result_paths, write_json

MEASURED, SKIPPED, FAILED = "measured", "skipped", "failed"
# Without -P it would import what lies in the current folder, which may be a stranger's.
WORKER = (sys.executable, "-P", "-m", "edgemnist.benchmarks.worker")


@dataclass(frozen=True, slots=True)
class WorkerResult:
    """What came back from a worker process.

    Attributes:
        status: "measured", "skipped" or "failed".
        reason: Why it was skipped or how it failed, else "".
        arrays: Samples and outputs, as `worker.measure` names them.
        signature: What the model takes and gives, where it was measured.
    """

    status: str
    reason: str = ""
    facts: Facts | None = None
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    elapsed_ns: int = 0
    signature: ModelSignature | None = None


def run_worker(
    task: Task, folder: Path, *, timeout_secs: float, command: tuple[str, ...] = WORKER
) -> WorkerResult:
    """Do a task in a fresh process. Whatever the model does to its process, this returns.

    After `timeout_secs` the process is killed and the result is a failure. The task's path is appended to
    `command`.
    """
    task_path = folder / "task.json"
    reply_path, arrays_path = result_paths(task_path)
    for path in (reply_path, arrays_path):
        path.unlink(missing_ok=True)
    spawned_ns = perf_counter_ns()
    write_json(task_path, replace(task, spawned_ns=spawned_ns))
    try:
        process = subprocess.run(  # noqa: S603 - our own module, with this interpreter
            [*command, str(task_path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(task),
            timeout=timeout_secs,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return WorkerResult(
            FAILED, f"no answer within {timeout_secs:g} s", elapsed_ns=perf_counter_ns() - spawned_ns
        )
    elapsed_ns = perf_counter_ns() - spawned_ns
    if process.returncode != 0 or not reply_path.exists():
        return WorkerResult(FAILED, _how_it_died(process), elapsed_ns=elapsed_ns)
    try:
        reply = read_reply(reply_path)
        signature = msgspec.convert(reply.signature, ModelSignature | None)
    except (ValueError, msgspec.ValidationError) as error:
        reason = f"its process left no reply that can be read: {error}"
        return WorkerResult(FAILED, reason, elapsed_ns=elapsed_ns)
    if reply.status != MEASURED:
        return WorkerResult(reply.status, reply.reason, elapsed_ns=elapsed_ns)
    with np.load(arrays_path) as file:
        arrays = dict(file)
    return WorkerResult(MEASURED, "", reply.facts, arrays, elapsed_ns, signature)


def _environment(task: Task) -> dict[str, str]:
    threads = str(task.num_threads)
    return os.environ | {
        "CUDA_VISIBLE_DEVICES": "-1",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def _how_it_died(process: "subprocess.CompletedProcess[bytes]") -> str:
    if process.returncode < 0:
        number = -process.returncode
        name = signal.strsignal(number) or "unknown"
        return f"its process died of signal {number} ({name})"
    lines = process.stderr.decode(errors="replace").strip().splitlines()
    last = f": {lines[-1].strip()}" if lines else ""
    return f"its process ended with exit code {process.returncode}{last}"
