"""Collecting: rounds of worker processes in shuffled order, so that drift of the machine hits all alike."""

import math
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

from .datasets import Split
from .machine import load_average, usable_cpus
from .processes import WORKER, Answer, run_worker
from .targets import Target
from .tasks import Task

_NS_PER_SEC = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    Attributes:
        rounds: Processes per target, one in each round.
        slow_rounds: Rounds for a target whose process takes longer than `slow_secs` to get ready.
        slow_secs: See `slow_rounds`.
        num_runs: Single images to measure per target at least, over all rounds.
        min_secs: Seconds of single images per target at least, over all rounds.
        warmup_runs: Calls before the measured ones in each process.
        batch_sizes: Batches to measure throughput with, besides the whole test set.
        batch_secs: Seconds per batch size and process at least.
        num_threads: Threads for one inference.
        timeout_secs: After so long a process counts as hung.
        seed: Decides the order of targets and of images.
    """

    rounds: int = 5
    slow_rounds: int = 2
    slow_secs: float = 2.0
    num_runs: int = 2000
    min_secs: float = 1.0
    warmup_runs: int = 100
    batch_sizes: tuple[int, ...] = (1, 8, 64, 512)
    batch_secs: float = 0.03
    num_threads: int = 1
    timeout_secs: float = 120.0
    seed: int = 0


QUICK = Plan(rounds=2, slow_rounds=1, min_secs=0.2, warmup_runs=50, batch_secs=0.01)
_MAX_CALLS = 50_000
_MIN_BATCHES = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """A target and its answers.

    Attributes:
        target: What was measured.
        answers: By round number; one that failed or was skipped has no further rounds.
    """

    target: Target
    answers: dict[int, Answer]

    @property
    def status(self) -> str:
        """Return "measured" if every round was, else what the one that was not says."""
        return next(
            (answer.status for answer in self.answers.values() if answer.status != "measured"), "measured"
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

    target: Target | None
    elapsed_secs: float
    remaining_secs: float | None


@dataclass(slots=True)
class _Schedule:
    """Who takes part in which round, decided as the processes' durations become known."""

    plan: Plan
    elapsed: dict[Target, list[float]] = field(default_factory=dict)
    setup: dict[Target, float] = field(default_factory=dict)
    calls: dict[Target, int] = field(default_factory=dict)

    def rounds(self, target: Target) -> int:
        slow = self.setup.get(target, 0.0) > self.plan.slow_secs
        return min(self.plan.slow_rounds if slow else self.plan.rounds, self.plan.rounds)

    def note(self, target: Target, answer: Answer) -> None:
        self.elapsed.setdefault(target, []).append(answer.elapsed_ns / _NS_PER_SEC)
        if answer.status == "measured":
            ready_ns = answer.facts["start_ns"] + answer.facts["import_ns"] + answer.facts["load_ns"]
            self.setup[target] = ready_ns / _NS_PER_SEC
            self.calls[target] = self.calls.get(target, 0) + len(answer.arrays["latency_ns"])

    def min_calls(self, target: Target) -> int:
        """Return the calls that the next round owes, so that all rounds together reach `num_runs`."""
        rounds_left = max(self.rounds(target) - len(self.elapsed.get(target, [])), 1)
        owed = max(self.plan.num_runs - self.calls.get(target, 0), 0)
        return max(math.ceil(owed / rounds_left), 1)

    def remaining_secs(self, targets: Sequence[Target]) -> float | None:
        known = [seconds for done in self.elapsed.values() for seconds in done]
        if not known:
            return None
        average = sum(known) / len(known)
        total = 0.0
        for target in targets:
            done = self.elapsed.get(target, [])
            mean = sum(done) / len(done) if done else average
            total += mean * max(self.rounds(target) - len(done), 0)
        return total


def collect(
    targets: Sequence[Target],
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
    answers: dict[Target, dict[int, Answer]] = {
        target: {0: Answer("skipped", target.skipped)} if target.skipped else {} for target in targets
    }
    schedule = _Schedule(plan)
    shuffler = random.Random(plan.seed)  # noqa: S311 - decides an order, guards nothing
    load_before = load_average()
    began = perf_counter()

    def going_on() -> list[Target]:
        return [t for t in targets if all(a.status == "measured" for a in answers[t].values())]

    with tempfile.TemporaryDirectory(prefix="edgemnist-bench-") as folder:
        images = Path(folder) / "images.npy"
        np.save(images, split.images)
        for number in range(plan.rounds):
            order = [target for target in going_on() if number < schedule.rounds(target)]
            shuffler.shuffle(order)
            for target in order:
                left = schedule.remaining_secs(going_on())
                on_progress(Progress(target, perf_counter() - began, left))
                task = _task(target, images, len(split), number, schedule)
                answer = run_worker(task, Path(folder), timeout_secs=plan.timeout_secs, command=command)
                answers[target][number] = answer
                schedule.note(target, answer)
    elapsed = perf_counter() - began
    on_progress(Progress(None, elapsed, 0.0))
    measured = tuple(Measured(target, answers[target]) for target in targets)
    return Collection(measured, load_before, elapsed)


def _task(target: Target, images: Path, count: int, number: int, schedule: _Schedule) -> Task:
    plan = schedule.plan
    cpus = usable_cpus()
    sizes = sorted({size for size in plan.batch_sizes if size < count} | {count})
    return Task(
        path=str(target.path),
        engine=target.engine,
        images=str(images),
        num_threads=plan.num_threads,
        # the last CPUs: the first one serves most interrupts on Linux
        cpus=cpus[-plan.num_threads :] if len(cpus) >= plan.num_threads else None,
        batch_sizes=tuple(sizes),
        warmup_calls=plan.warmup_runs,
        min_calls=schedule.min_calls(target),
        min_ns=int(plan.min_secs * _NS_PER_SEC / schedule.rounds(target)),
        max_calls=max(_MAX_CALLS, plan.num_runs),
        min_batches=_MIN_BATCHES,
        min_batch_ns=int(plan.batch_secs * _NS_PER_SEC),
        seed=plan.seed + number,
        spawned_ns=0,
    )
