"""Who takes part in which round, decided as it becomes known how long the processes take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from .cases import Case
from .plan import Plan
from .processes import Answer

_NS_PER_SEC = 1_000_000_000


@dataclass(slots=True)
class Schedule:
    """The state of a running collection.

    Attributes:
        plan: What was asked for.
        elapsed: Seconds of each process so far, by target.
        ready: Seconds until the target's model was loaded.
        calls: Single images measured so far, by target.
    """

    plan: Plan
    elapsed: dict[Case, list[float]] = field(default_factory=dict)
    ready: dict[Case, float] = field(default_factory=dict)
    calls: dict[Case, int] = field(default_factory=dict)

    def note(self, target: Case, answer: Answer) -> None:
        """Take note of a process that has ended."""
        self.elapsed.setdefault(target, []).append(answer.elapsed_ns / _NS_PER_SEC)
        if answer.status == "measured":
            ready_ns = answer.facts["start_ns"] + answer.facts["import_ns"] + answer.facts["load_ns"]
            self.ready[target] = ready_ns / _NS_PER_SEC
            self.calls[target] = self.calls.get(target, 0) + len(answer.arrays["latency_ns"])

    def rounds(self, target: Case, targets: Sequence[Case]) -> int:
        """Return in how many rounds `target` takes part, while `targets` are those that still answer.

        A slow starter (TensorFlow imports for seconds) takes part in few; the others in as many as the budget
        allows, and never in fewer than the plan's minimum.
        """
        plan = self.plan
        if self._slow(target):
            return min(plan.slow_rounds, plan.rounds)
        quick_secs = sum(self._mean(other) for other in targets if not self._slow(other))
        slow_secs = sum(self._total(other) for other in targets if self._slow(other))
        if not quick_secs or target not in self.elapsed:
            return plan.rounds
        affordable = int((plan.budget_secs - slow_secs) / quick_secs)
        return max(min(affordable, plan.rounds), min(plan.min_rounds, plan.rounds))

    def min_calls(self, target: Case, targets: Sequence[Case]) -> int:
        """Return the calls that the next round owes, so that all rounds together reach `num_runs`."""
        owed = max(self.plan.num_runs - self.calls.get(target, 0), 0)
        return max(math.ceil(owed / self._rounds_left(target, targets)), 1)

    def remaining_secs(self, targets: Sequence[Case]) -> float | None:
        """Return an estimate for all rounds to come; None before the first process has ended."""
        if not self.elapsed:
            return None
        known = [seconds for done in self.elapsed.values() for seconds in done]
        average = sum(known) / len(known)
        remaining = 0.0
        for target in targets:
            done = self.elapsed.get(target, [])
            if self._slow(target):
                remaining += max(self._total(target) - sum(done), 0.0)
            else:
                left = self.rounds(target, targets) - len(done)
                remaining += max(left, 0) * (self._mean(target) or average)
        return remaining

    def _rounds_left(self, target: Case, targets: Sequence[Case]) -> int:
        return max(self.rounds(target, targets) - len(self.elapsed.get(target, [])), 1)

    def _slow(self, target: Case) -> bool:
        return self.ready.get(target, 0.0) > self.plan.slow_secs

    def _mean(self, target: Case) -> float:
        done = self.elapsed.get(target, [])
        return sum(done) / len(done) if done else 0.0

    def _total(self, target: Case) -> float:
        """Return the seconds of all of a slow target's rounds; the last ones make up for missing calls."""
        left = self.plan.slow_rounds - len(self.elapsed[target])
        done = sum(self.elapsed[target])
        measuring = max(self._mean(target) - self.ready[target], 0.0)
        calls_per_round = self.calls[target] / len(self.elapsed[target])
        owed = max(self.plan.num_runs - self.calls[target], 0)
        return done + max(left, 0) * self.ready[target] + measuring * owed / max(calls_per_round, 1.0)
