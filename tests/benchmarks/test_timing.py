"""The timing loop stops when it should and times only the call."""

import time

import numpy as np

from edgemnist.benchmarks.worker.conditions import measure_clock, measure_fixed_work
from edgemnist.benchmarks.worker.timing import Effort, time_calls


def test_exactly_so_many_calls_are_made_in_order_and_over_again():
    seen = []
    samples = time_calls(seen.append, "abc", Effort.exactly(7))
    assert seen == list("abcabca")
    assert len(samples) == 7


def test_the_loop_goes_on_until_the_time_is_spent():
    samples = time_calls(lambda _: time.sleep(0.001), [0], Effort(1, 20_000_000, 1000))
    assert samples.sum() >= 19_000_000
    assert len(samples) < 20


def test_the_loop_ends_at_the_most_calls_whatever_the_time():
    assert len(time_calls(len, ["a"], Effort(1, 10**12, 50))) == 50


def test_work_between_calls_is_not_timed():
    samples = time_calls(len, ["a"], Effort.exactly(5), between=lambda: time.sleep(0.01))
    assert np.median(samples) < 10_000_000


def test_the_clock_has_a_step_and_an_empty_call_a_cost():
    clock = measure_clock()
    assert clock.resolution_ns >= 1
    assert clock.empty_call_ns >= 0


def test_fixed_work_takes_time():
    assert measure_fixed_work() > 0
