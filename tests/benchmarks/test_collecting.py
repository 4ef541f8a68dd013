"""Engines of known behaviour through the real collector: metrics, warnings and failures come out right."""

from dataclasses import replace

import pytest

from edgemnist.benchmarks.runner.plan import Plan

SLEEP_SECS = 0.002  # as the synthetic engine has it
SLEEP_NS = SLEEP_SECS * 1e9
PATIENT = Plan(budget_secs=1e6, slow_secs=1e6)  # a busy machine drops no round


def row(benchmark, engine):
    return next(one for one in benchmark.results.rows if one.case.engine == engine)


def codes(benchmark, engine):
    title = row(benchmark, engine).case.title
    return {one.code for one in benchmark.results.warnings if one.case == title}


def test_a_sleeping_engine_takes_as_long_as_it_sleeps(synthetic):
    latency = row(synthetic, "sleep").metrics.end_to_end
    assert latency.min_ns >= SLEEP_NS
    assert SLEEP_NS <= latency.p50_ns < 2 * SLEEP_NS
    assert latency.p50_ns <= latency.p90_ns <= latency.p99_ns <= latency.max_ns


def test_bare_and_paused_calls_contain_the_same_sleep(synthetic):
    metrics = row(synthetic, "sleep").metrics
    for latency in (metrics.bare, metrics.paused):
        assert SLEEP_NS <= latency.p50_ns < 2 * SLEEP_NS


def test_all_calls_asked_for_are_measured_in_three_processes(synthetic):
    latency = row(synthetic, "sleep").metrics.end_to_end
    assert latency.calls >= 120
    assert len(latency.round_p50_ns) == 3


def test_the_interval_of_the_median_holds_the_median(synthetic):
    latency = row(synthetic, "sleep").metrics.end_to_end
    low, high = latency.p50_interval_ns
    assert min(latency.round_p50_ns) <= low <= latency.p50_ns <= high <= max(latency.round_p50_ns)


def test_twice_the_sleep_is_half_the_speed_with_an_interval_that_says_so(synthetic):
    comparison = next(one for one in synthetic.results.comparisons if one.case.engine == "sleep_twice")
    assert comparison.base.engine == "sleep"
    assert comparison.speed.value == pytest.approx(0.5, rel=0.3)
    assert comparison.speed.differs


def test_throughput_grows_with_the_batch_where_a_call_costs_the_same(synthetic):
    metrics = row(synthetic, "sleep").metrics
    assert [one.batch_size for one in metrics.throughput] == [1, 8, 40]
    single, whole = metrics.images_per_sec(1), metrics.images_per_sec(40)
    assert single <= 1 / SLEEP_SECS
    assert whole == pytest.approx(40 * single, rel=0.4)
    assert metrics.images_per_sec(64) is None


def test_process_start_import_load_and_first_inference_are_apart(synthetic):
    metrics = row(synthetic, "sleep").metrics
    assert metrics.start_ns > 0
    assert metrics.import_ns > 0
    assert metrics.load_ns > 0
    assert metrics.first_ns >= SLEEP_NS


def test_accuracy_is_that_of_the_answers(synthetic, tiny_split):
    columns = tiny_split.inputs.reshape(40, 4, 3, 2).sum(axis=(1, 3))
    expected = (columns.argmax(axis=1) == tiny_split.labels).mean()
    assert row(synthetic, "sleep").metrics.accuracy.accuracy == pytest.approx(expected)


def test_tails_are_kept(synthetic):
    metrics = row(synthetic, "bimodal").metrics
    assert metrics.end_to_end.p90_ns >= 4 * SLEEP_NS


def test_an_engine_that_leaks_is_reported_with_its_growth(synthetic):
    memory = row(synthetic, "leak").metrics.memory
    assert memory.measured_bytes == pytest.approx(100_000 * 40, rel=0.5)
    assert "leak" in codes(synthetic, "leak")
    assert "leak" not in codes(synthetic, "sleep")


def test_answers_that_differ_between_rounds_are_reported(synthetic):
    assert "unstable" in codes(synthetic, "random")
    assert "unstable" not in codes(synthetic, "sleep")


def test_few_samples_are_reported(synthetic):
    assert "samples" in codes(synthetic, "sleep")


def test_a_crash_is_a_failed_row_that_names_the_signal_and_the_others_go_on(synthetic):
    crashed = row(synthetic, "crash")
    assert crashed.status == "failed"
    assert crashed.metrics is None
    assert crashed.reason == "its process died of signal 6 (Aborted)"
    assert row(synthetic, "random").status == "measured"


def test_a_crashed_engine_is_not_started_again(synthetic):
    crashed = next(one for one in synthetic.collection.measurements if one.case.engine == "crash")
    assert list(crashed.rounds) == [0]


def test_a_file_that_does_not_load_is_a_failed_row_with_the_reason(synthetic):
    assert row(synthetic, "refuse").status == "failed"
    assert row(synthetic, "refuse").reason == "model.refuse: it is not a model"


def test_an_exception_in_an_engine_is_a_failed_row_with_its_last_line(synthetic):
    assert row(synthetic, "bug").reason.endswith("ZeroDivisionError: a bug in the engine")


def test_answers_that_are_not_numbers_fail_the_row(synthetic):
    assert row(synthetic, "nan").status == "failed"
    assert "NaN" in row(synthetic, "nan").reason


def test_a_hanging_engine_is_stopped_and_fails(run_synthetic):
    benchmark = run_synthetic("hang", plan=Plan(rounds=2, timeout_secs=3))
    assert row(benchmark, "hang").reason == "no answer within 3 s"


@pytest.mark.slow
def test_rounds_go_through_the_cases_in_changing_order_and_time_left_is_told(run_synthetic):
    seen = []
    run_synthetic(
        *("instant", "sleep", "random"),
        plan=replace(
            PATIENT, rounds=4, num_runs=4, min_secs=0, warmup_runs=1, batch_sizes=(), batch_secs=0, seed=1
        ),
        on_progress=seen.append,
    )
    assert seen[0].remaining_secs is None
    assert all(one.remaining_secs > 0 for one in seen[1:-1])
    assert (seen[-1].case, seen[-1].remaining_secs) == (None, 0.0)
    orders = {tuple(one.case.engine for one in seen[start : start + 3]) for start in range(0, 12, 3)}
    assert len(orders) > 1
    assert all(set(order) == {"instant", "sleep", "random"} for order in orders)


def test_every_engine_was_pinned_where_the_system_pins(synthetic):
    import os

    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system does not pin processes")
    assert row(synthetic, "sleep").metrics.cpus == (max(os.sched_getaffinity(0)),)


def test_the_clock_and_the_cost_of_measuring_are_on_record(synthetic):
    metrics = row(synthetic, "sleep").metrics
    assert metrics.clock_resolution_ns > 0
    assert 0 < metrics.empty_call_ns < SLEEP_NS
    assert len(metrics.work_ns) == 6
