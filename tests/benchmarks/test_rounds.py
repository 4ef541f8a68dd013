"""Who takes part in which round."""

from pathlib import Path

import numpy as np
import pytest

from edgemnist.benchmarks.runner.cases import Case
from edgemnist.benchmarks.runner.plan import Plan
from edgemnist.benchmarks.runner.processes import MEASURED, WorkerResult
from edgemnist.benchmarks.runner.rounds import Schedule
from edgemnist.benchmarks.worker.task import Clock, Facts, ResidentMemory
from edgemnist.runtime.errors import OptionError

QUICK = Case(Path("quick.onnx"), "onnxruntime", "onnx", "float32", 1, "")
SLOW = Case(Path("slow.keras"), "keras", "keras", "float32", 1, "")
PLAN = Plan(rounds=5, min_rounds=3, slow_rounds=2, slow_secs=2, budget_secs=50, num_runs=2000)


def answer(elapsed_secs, ready_secs, calls):
    facts = Facts(
        start_ns=0,
        import_ns=int(ready_secs * 1e9),
        load_ns=0,
        first_ns=0,
        cpus=None,
        clock=Clock(1, 1),
        work_ns=(1, 1),
        input="",
        preemptions=None,
        memory=ResidentMemory(None, None, None, None, None),
    )
    return WorkerResult(
        MEASURED, "", facts, {"latency_ns": np.ones(calls, np.int64)}, int(elapsed_secs * 1e9)
    )


def test_before_the_first_round_all_take_part_in_all():
    schedule = Schedule(PLAN)
    assert schedule.rounds(QUICK, [QUICK, SLOW]) == schedule.rounds(SLOW, [QUICK, SLOW]) == 5
    assert schedule.remaining_secs([QUICK, SLOW]) is None


def test_a_slow_starter_takes_part_in_few_rounds():
    schedule = Schedule(PLAN)
    schedule.note(QUICK, answer(1, 0.5, 400))
    schedule.note(SLOW, answer(9, 7, 400))
    assert schedule.rounds(SLOW, [QUICK, SLOW]) == 2
    assert schedule.rounds(QUICK, [QUICK, SLOW]) == 5


def test_rounds_are_given_up_for_the_budget_down_to_the_minimum():
    schedule = Schedule(PLAN)
    schedule.note(QUICK, answer(12, 0.5, 400))
    assert schedule.rounds(QUICK, [QUICK]) == 4
    schedule.note(QUICK, answer(40, 0.5, 400))
    assert schedule.rounds(QUICK, [QUICK]) == 3


@pytest.mark.parametrize(("case", "ready_secs"), [(QUICK, 0.5), (SLOW, 7)])
def test_the_calls_of_all_rounds_reach_what_was_asked_for(case, ready_secs):
    schedule = Schedule(PLAN)
    calls = 0
    number = 0
    while number < schedule.rounds(case, [case]):
        owed = schedule.min_calls(case, [case])
        schedule.note(case, answer(9, ready_secs, owed))
        calls += owed
        number += 1
    assert calls >= 2000


def test_remaining_time_shrinks_to_nothing():
    schedule = Schedule(PLAN)
    left = []
    for _ in range(5):
        schedule.note(QUICK, answer(2, 0.5, 400))
        left.append(schedule.remaining_secs([QUICK]))
    assert left == [8, 6, 4, 2, 0]


@pytest.mark.parametrize(
    "option", [{"num_runs": 0}, {"warmup_runs": 0}, {"num_threads": 0}, {"min_secs": -1.0}]
)
def test_a_plan_that_measures_nothing_is_an_error(option):
    with pytest.raises(OptionError, match=next(iter(option))):
        Plan(**option)
