"""Collecting: rounds of worker processes in shuffled order, so that drift of the machine hits all alike."""

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from ...data.datasets import Split
from ...runtime.cpus import usable_cpus
from ..worker.task import Task
from .cases import Case
from .machine import load_average
from .plan import Plan
from .processes import MEASURED, SKIPPED, WORKER, Answer, run_worker
from .rounds import Schedule

_NS_PER_SEC = 1_000_000_000
_MAX_CALLS = 50_000
_MIN_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """A target and its answers.

    Attributes:
        target: What was measured.
        answers: By round number; after one that failed there are no further rounds.
    """

    target: Case
    answers: dict[int, Answer]

    @property
    def status(self) -> str:
        """Return "measured" if every round was, else what the one that was not says."""
        return next(
            (answer.status for answer in self.answers.values() if answer.status != MEASURED), MEASURED
        )

    @property
    def reason(self) -> str:
        """Why it was skipped or how it failed, else ""."""
        return next((answer.reason for answer in self.answers.values() if answer.reason), "")


@dataclass(frozen=True, slots=True)
class Collection:
    """Everything collected, before any computing.

    Attributes:
        measured: One for each target, in the targets' order.
        load_before: The machine's load average before the first round, None where it is not known.
        elapsed_secs: From the first process's start to the last one's end.
    """

    measured: tuple[Measured, ...]
    load_before: float | None
    elapsed_secs: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far collecting is: what runs next, what is done, what remains.

    Attributes:
        target: The target whose process starts now; None at the end.
        elapsed_secs: Since the first process's start.
        remaining_secs: Estimated from the processes so far; None before there are any.
    """

    target: Case | None
    elapsed_secs: float
    remaining_secs: float | None


def collect(
    targets: Sequence[Case],
    split: Split,
    plan: Plan,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    command: tuple[str, ...] = WORKER,
) -> Collection:
    """Measure all targets in fresh processes, round after round.

    Args:
        targets: What to measure; those with a reason to be skipped are passed over.
        split: The test images.
        plan: How much to measure.
        on_progress: Called before each process and at the end.
        command: The worker program.
    """
    answers: dict[Case, dict[int, Answer]] = {
        target: {0: Answer(SKIPPED, target.skipped)} if target.skipped else {} for target in targets
    }
    schedule = Schedule(plan)
    shuffler = random.Random(plan.seed)  # noqa: S311 - decides an order, guards nothing
    load_before = load_average()
    began = perf_counter()

    def going_on() -> list[Case]:
        return [t for t in targets if all(answer.status == MEASURED for answer in answers[t].values())]

    with tempfile.TemporaryDirectory(prefix="edgemnist-bench-") as folder:
        images = Path(folder) / "images.npy"
        np.save(images, split.images)
        for number in range(plan.rounds):
            order = [target for target in going_on() if number < schedule.rounds(target, going_on())]
            shuffler.shuffle(order)
            for target in order:
                left = schedule.remaining_secs(going_on())
                on_progress(Progress(target, perf_counter() - began, left))
                task = _task(target, images, len(split), number, schedule, going_on())
                answer = run_worker(task, Path(folder), timeout_secs=plan.timeout_secs, command=command)
                answers[target][number] = answer
                schedule.note(target, answer)
    elapsed = perf_counter() - began
    on_progress(Progress(None, elapsed, 0.0))
    return Collection(tuple(Measured(target, answers[target]) for target in targets), load_before, elapsed)


def _task(
    target: Case, images: Path, count: int, number: int, schedule: Schedule, going_on: Sequence[Case]
) -> Task:
    plan = schedule.plan
    cpus = usable_cpus()
    sizes = sorted({size for size in plan.batch_sizes if size < count} | {count})
    return Task(
        path=str(target.path),
        sha256=target.sha256,
        engine=target.engine,
        images=str(images),
        num_threads=plan.num_threads,
        # the last CPUs: the first one serves most interrupts on Linux
        cpus=cpus[-plan.num_threads :] if len(cpus) >= plan.num_threads else None,
        batch_sizes=tuple(sizes),
        warmup_calls=plan.warmup_runs,
        min_calls=schedule.min_calls(target, going_on),
        min_ns=int(plan.min_secs * _NS_PER_SEC / schedule.rounds(target, going_on)),
        max_calls=max(_MAX_CALLS, plan.num_runs),
        min_batches=_MIN_BATCHES,
        min_batch_ns=int(plan.batch_secs * _NS_PER_SEC),
        seed=plan.seed + number,
        spawned_ns=0,
    )
