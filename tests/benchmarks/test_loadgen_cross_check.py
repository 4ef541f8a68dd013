"""The cross-check with LoadGen: when it agrees, and that it measures real models."""

import numpy as np
import pytest

from edgemnist.benchmarks.studies.speed.loadgen_cross_check import Turn, measure, offline, single_stream


def turn(latency=1000, disturbed=1200, single=1100, batch=40_000, offline_inside=1000.0):
    constant = [np.full(90, value, np.int64) for value in (latency, disturbed, batch, single)]
    return Turn(constant[0], constant[1], constant[2], 40, single + 500.0, constant[3], offline_inside)


def test_a_query_between_back_to_back_and_disturbed_calls_agrees():
    assert single_stream([turn(), turn()]).agrees


@pytest.mark.parametrize("single", [900, 1300])
def test_a_query_outside_that_range_disagrees(single):
    assert not single_stream([turn(single=single), turn(single=single)]).agrees


def test_turns_that_lie_apart_widen_the_range():
    assert single_stream([turn(single=1300), turn(latency=1200, disturbed=1440, single=1560)]).agrees


def test_offline_is_compared_per_image():
    assert offline([turn(), turn()]).agrees
    assert not offline([turn(offline_inside=1500.0), turn(offline_inside=1500.0)]).agrees
    assert offline([turn(offline_inside=None)]) is None


def test_both_scenarios_run_on_a_real_model(artifacts):
    pytest.importorskip("mlperf_loadgen")
    (measured,) = measure(artifacts / "mnist.float32.onnx", turns=1)
    assert measured.single_p50_ns > np.median(measured.single_inside_ns) > 0
    assert len(measured.single_inside_ns) >= 1000
    assert measured.images == 10_000
    assert measured.offline_inside_ns > 0
    assert len(measured.batch_ns) >= 9
