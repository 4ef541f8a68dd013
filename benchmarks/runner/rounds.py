"""Who takes part in which round, decided as it becomes known how long the processes take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from .cases import Case
from .plan import Plan
from .processes import WorkerResult

_NS_PER_SEC = 1_000_000_000


@dataclass(slots=True)
class Schedule:
    """The state of a running collection.

    Attributes:
        ready: Seconds until the case's model was loaded.
        calls: Single images measured so far, by case.
    """

    plan: Plan
    elapsed: dict[Case, list[float]] = field(default_factory=dict)
    ready: dict[Case, float] = field(default_factory=dict)
    calls: dict[Case, int] = field(default_factory=dict)

    def note(self, case: Case, result: WorkerResult) -> None:
        """Record a process that has ended."""
        self.elapsed.setdefault(case, []).append(result.elapsed_ns / _NS_PER_SEC)
        if (facts := result.facts) is not None:
            ready_ns = facts.start_ns + facts.import_ns + facts.load_ns
            self.ready[case] = ready_ns / _NS_PER_SEC
            self.calls[case] = self.calls.get(case, 0) + len(result.arrays["latency_ns"])

    def rounds(self, case: Case, cases: Sequence[Case]) -> int:
        """Return in how many rounds `case` takes part, while `cases` are those that still work.

        A slow starter (TensorFlow imports for seconds) takes part in few; the others in as many as the budget
        allows, and never in fewer than the plan's minimum.
        """
        plan = self.plan
        if self._slow(case):
            return min(plan.slow_rounds, plan.rounds)
        quick_secs = sum(self._mean(other) for other in cases if not self._slow(other))
        slow_secs = sum(self._total(other) for other in cases if self._slow(other))
        if not quick_secs or case not in self.elapsed:
            return plan.rounds
        affordable = int((plan.budget_secs - slow_secs) / quick_secs)
        return max(min(affordable, plan.rounds), min(plan.min_rounds, plan.rounds))

    def min_calls(self, case: Case, cases: Sequence[Case]) -> int:
        """Return the calls that the next round owes, so that all rounds together reach `num_runs`."""
        owed = max(self.plan.num_runs - self.calls.get(case, 0), 0)
        left = max(self.rounds(case, cases) - len(self.elapsed.get(case, [])), 1)
        return max(math.ceil(owed / left), 1)

    def remaining_secs(self, cases: Sequence[Case]) -> float | None:
        """Return an estimate for all rounds to come; None before the first process has ended."""
        if not self.elapsed:
            return None
        known = [seconds for done in self.elapsed.values() for seconds in done]
        average = sum(known) / len(known)
        remaining = 0.0
        for case in cases:
            done = self.elapsed.get(case, [])
            if self._slow(case):
                remaining += max(self._total(case) - sum(done), 0.0)
            else:
                left = self.rounds(case, cases) - len(done)
                remaining += max(left, 0) * (self._mean(case) or average)
        return remaining

    def _slow(self, case: Case) -> bool:
        return self.ready.get(case, 0.0) > self.plan.slow_secs

    def _mean(self, case: Case) -> float:
        done = self.elapsed.get(case, [])
        return sum(done) / len(done) if done else 0.0

    def _total(self, case: Case) -> float:
        """Return the seconds of all of a slow case's rounds; the last ones make up for missing calls."""
        left = self.plan.slow_rounds - len(self.elapsed[case])
        done = sum(self.elapsed[case])
        measuring = max(self._mean(case) - self.ready[case], 0.0)
        calls_per_round = self.calls[case] / len(self.elapsed[case])
        owed = max(self.plan.num_runs - self.calls[case], 0)
        return done + max(left, 0) * self.ready[case] + measuring * owed / max(calls_per_round, 1.0)
