"""Each reason to distrust metrics, brought about in otherwise sound ones."""

from dataclasses import replace

import pytest

from edgemnist.benchmarks.analysis.warnings import find_warnings


@pytest.fixture
def codes(synthetic):
    """Return a function that gives the codes of warnings for changed metrics of the sleeping engine."""
    results = synthetic.results
    row = next(one for one in results.rows if one.case.engine == "sleep")
    measured = next(one for one in synthetic.collection.measurements if one.case == row.case)
    latency = replace(row.metrics.end_to_end, calls=3000, round_p50_ns=(2.1e6, 2.11e6, 2.12e6))
    sound = replace(row.metrics, end_to_end=latency, work_ns=(1000, 1001), preemptions=0, cpus=(1,))
    calm = replace(results.machine, governor=None, cores=2)

    def find(machine=None, load=0.1, latency_changes=None, **metrics):
        changed = replace(sound, **metrics)
        if latency_changes:
            changed = replace(changed, end_to_end=replace(changed.end_to_end, **latency_changes))
        collection = replace(synthetic.collection, measurements=(measured,), load_before=load)
        warnings = find_warnings((replace(row, metrics=changed),), collection, machine or calm, results.plan)
        return {one.code for one in warnings}

    find.machine = calm
    return find


def test_sound_metrics_raise_no_warning(codes):
    assert codes() == set()


def test_a_busy_machine(codes):
    assert codes(load=1.5) == {"load"}


def test_a_load_that_is_not_known_is_no_warning(codes):
    assert codes(load=None) == set()


def test_a_governor_that_changes_the_frequency(codes):
    assert codes(machine=replace(codes.machine, governor="powersave")) == {"frequency"}
    assert codes(machine=replace(codes.machine, governor="performance")) == set()


def test_fixed_work_that_takes_longer_now_and_then(codes):
    assert codes(work_ns=(1000, 1200, 1000)) == {"speed"}


def test_processes_that_are_not_pinned(codes):
    assert codes(cpus=None) == {"pinning"}


def test_rounds_that_lie_apart(codes):
    assert codes(latency_changes={"round_p50_ns": (2.0e6, 2.1e6, 2.4e6)}) == {"rounds"}


@pytest.mark.parametrize("few", [{"calls": 500}, {"round_p50_ns": (2.1e6, 2.1e6)}])
def test_too_few_samples(codes, few):
    assert codes(latency_changes=few) == {"samples"}


def test_a_clock_too_coarse(codes):
    assert codes(clock_resolution_ns=1_000_000) == {"clock"}


def test_a_call_as_quick_as_measuring_it(codes):
    assert codes(empty_call_ns=500_000) == {"empty-call"}


def test_neighbours_that_take_the_cpu(codes):
    assert codes(preemptions=31) == {"preempted"}
    assert codes(preemptions=None) == set()


def test_answers_that_differ_between_rounds(codes):
    assert codes(stable=False) == {"unstable"}
