"""Collecting: rounds of worker processes in shuffled order, so that drift of the machine hits all alike."""

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ...data.datasets import Split
from ...runtime.process import usable_cpus
from ...runtime.signature import ModelSignature
from ..worker.task import MAX_INPUT_BYTES, Task
from .cases import Case
from .machine import load_average
from .plan import Plan
from .processes import MEASURED, SKIPPED, WORKER, WorkerResult, run_worker
from .rounds import Schedule

_NS_PER_SEC = 1_000_000_000
_MAX_CALLS = 50_000
_MIN_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Measurement:
    """A case and what its rounds found.

    Attributes:
        rounds: By round number; there are none after one that failed.
    """

    case: Case
    rounds: dict[int, WorkerResult]

    @property
    def status(self) -> str:
        """Return "measured" if every round was, else the status of the one that was not."""
        return next((one.status for one in self.rounds.values() if one.status != MEASURED), MEASURED)

    @property
    def signature(self) -> ModelSignature | None:
        """What the model takes and gives; None where it was not measured."""
        return next((one.signature for one in self.rounds.values() if one.signature), None)

    @property
    def outputs(self) -> NDArray[np.float32]:
        """The outputs for the test inputs, (N, ...), of a case that was measured."""
        outputs: NDArray[np.float32] = self.rounds[0].arrays["outputs"]
        return outputs

    @property
    def reason(self) -> str:
        """Why it was skipped or how it failed, else ""."""
        return next((one.reason for one in self.rounds.values() if one.reason), "")


@dataclass(frozen=True, slots=True)
class Collection:
    """Everything collected, before any computing.

    Attributes:
        load_before: The machine's load average before the first round, None where it is not known.
    """

    measurements: tuple[Measurement, ...]
    load_before: float | None
    elapsed_secs: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far collecting is: what runs next, what is done, what remains.

    Attributes:
        case: The case whose process starts now; None at the end.
        remaining_secs: Estimated from the processes so far; None before there are any.
    """

    case: Case | None
    elapsed_secs: float
    remaining_secs: float | None


def collect(
    cases: Sequence[Case],
    split: Split,
    plan: Plan,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    command: tuple[str, ...] = WORKER,
) -> Collection:
    """Measure all cases in fresh processes, round after round.

    Cases with a reason to be skipped are passed over. `on_progress` is called before each
    process and at the end.
    """
    results: dict[Case, dict[int, WorkerResult]] = {
        case: {0: WorkerResult(SKIPPED, case.skipped)} if case.skipped else {} for case in cases
    }
    schedule = Schedule(plan)
    shuffler = random.Random(plan.seed)  # noqa: S311 - decides an order, guards nothing
    load_before = load_average()
    began = perf_counter()

    def going_on() -> list[Case]:
        return [one for one in cases if all(done.status == MEASURED for done in results[one].values())]

    with tempfile.TemporaryDirectory(prefix="edgemnist-bench-") as folder:
        inputs = Path(folder) / "inputs.npy"
        _save(split, inputs)
        largest = max(min(len(split), MAX_INPUT_BYTES * len(split) // split.inputs.nbytes), 1)
        for number in range(plan.rounds):
            order = [case for case in going_on() if number < schedule.rounds(case, going_on())]
            shuffler.shuffle(order)
            for case in order:
                left = schedule.remaining_secs(going_on())
                on_progress(Progress(case, perf_counter() - began, left))
                task = _task(case, inputs, largest, number, schedule, going_on())
                result = run_worker(task, Path(folder), timeout_secs=plan.timeout_secs, command=command)
                results[case][number] = result
                schedule.note(case, result)
    elapsed = perf_counter() - began
    on_progress(Progress(None, elapsed, 0.0))
    return Collection(tuple(Measurement(case, results[case]) for case in cases), load_before, elapsed)


def _save(split: Split, path: Path) -> None:
    """Write the inputs batch by batch, since they may be larger than memory."""
    shape = split.inputs.shape
    file = np.lib.format.open_memmap(path, mode="w+", dtype=split.inputs.dtype, shape=shape)
    start = 0
    for batch in split.batches():
        file[start : start + len(batch)] = batch
        start += len(batch)
    file.flush()


def _task(
    case: Case, inputs: Path, largest: int, number: int, schedule: Schedule, going_on: Sequence[Case]
) -> Task:
    plan = schedule.plan
    cpus = usable_cpus()
    sizes = sorted({size for size in plan.batch_sizes if size < largest} | {largest})
    return Task(
        path=str(case.path),
        sha256=case.sha256,
        engine=case.engine,
        inputs=str(inputs),
        num_threads=plan.num_threads,
        # the last CPUs: the first one serves most interrupts on Linux
        cpus=cpus[-plan.num_threads :] if len(cpus) >= plan.num_threads else None,
        batch_sizes=tuple(sizes),
        warmup_calls=plan.warmup_runs,
        min_calls=schedule.min_calls(case, going_on),
        min_ns=int(plan.min_secs * _NS_PER_SEC / schedule.rounds(case, going_on)),
        max_calls=max(_MAX_CALLS, plan.num_runs),
        min_batches=_MIN_BATCHES,
        min_batch_ns=int(plan.batch_secs * _NS_PER_SEC),
        seed=plan.seed + number,
        spawned_ns=0,
    )
