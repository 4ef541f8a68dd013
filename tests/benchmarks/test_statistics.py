"""Percentiles, intervals and ratios against cases with a known answer."""

import numpy as np
import pytest

from edgemnist.benchmarks.analysis import statistics
from edgemnist.benchmarks.analysis.statistics import (
    Ratio,
    independent_ratio,
    median_interval,
    paired_ratio,
    summarize,
)
from edgemnist.runtime.errors import OptionError


def test_summary_keeps_the_tail():
    samples = np.r_[np.full(98, 1000), 5000, 90_000]
    latency = summarize([samples])
    assert (latency.p50_ns, latency.min_ns, latency.max_ns, latency.calls) == (1000, 1000, 90_000, 100)
    assert latency.p99_ns > 4000
    assert latency.mean_ns == pytest.approx(1930)


def test_rounds_are_summarized_in_their_order():
    latency = summarize([np.array([3, 3]), np.array([1, 1, 1]), np.array([2])])
    assert latency.round_p50_ns == (3, 1, 2)
    assert latency.deviation == pytest.approx(2 / latency.p50_ns)


def test_interval_of_five_rounds_spans_their_extremes():
    """The median of five is an extreme in 5.8 % of resamples on each side, more than the 2.5 % cut off."""
    assert median_interval([10.0, 11.0, 12.0, 13.0, 19.0]) == (10.0, 19.0)


def test_one_round_has_no_interval():
    assert median_interval([10.0]) is None


def test_paired_ratio_cancels_what_slows_a_whole_round():
    noise = {0: 1.0, 1: 3.0, 2: 0.5, 3: 2.0}
    one = {number: 100 * factor * (1 + 0.001 * number) for number, factor in noise.items()}
    other = {number: 50 * factor for number, factor in noise.items()}
    ratio = paired_ratio(one, other)
    assert ratio.value == pytest.approx(2, rel=0.01)
    assert ratio.interval[1] - ratio.interval[0] < 0.02
    assert ratio.differs


def test_paired_ratio_uses_only_rounds_that_both_have():
    assert paired_ratio({0: 10.0, 1: 10.0, 2: 999.0}, {0: 5.0, 1: 5.0}).value == pytest.approx(2)


def test_a_ratio_without_a_shared_round_is_an_error_and_not_nan():
    with pytest.raises(OptionError, match="share no round"):
        paired_ratio({0: 1.0}, {1: 1.0})


def test_one_shared_round_gives_a_ratio_without_interval_and_no_difference():
    ratio = paired_ratio({0: 10.0}, {0: 5.0, 1: 5.0})
    assert ratio == Ratio(2.0, None)
    assert not ratio.differs


@pytest.mark.parametrize("true_ratio", [1.0, 1.3])
def test_ratio_interval_covers_the_truth_about_95_times_in_100(true_ratio):
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(400):
        one = dict(enumerate(true_ratio * rng.lognormal(0, 0.05, 5)))
        low, high = paired_ratio(one, dict(enumerate(rng.lognormal(0, 0.05, 5)))).interval
        covered += low <= true_ratio <= high
    assert 370 <= covered <= 392


def test_independent_ratio_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(400):
        low, high = independent_ratio(1.2 * rng.lognormal(0, 0.05, 5), rng.lognormal(0, 0.02, 4)).interval
        covered += low <= 1.2 <= high
    assert 368 <= covered <= 394


def test_inverse_turns_value_and_interval_round():
    inverse = Ratio(0.5, (0.4, 0.8)).inverse
    assert inverse.value == 2
    assert inverse.interval == pytest.approx((1.25, 2.5))


def test_without_scipy_there_are_no_intervals_and_no_differences(monkeypatch):
    monkeypatch.setattr(statistics, "find_spec", lambda _name: None)
    assert median_interval([1.0, 2.0, 3.0]) is None
    assert paired_ratio({0: 4.0, 1: 4.1}, {0: 2.0, 1: 2.0}).interval is None
    assert independent_ratio([4.0, 4.1], [2.0, 2.0]).interval is None


def test_identical_rounds_have_an_interval_of_no_width():
    assert median_interval([5.0, 5.0]) == (5.0, 5.0)
    assert paired_ratio({0: 4.0, 1: 4.0}, {0: 2.0, 1: 2.0}).interval == (2.0, 2.0)
    assert independent_ratio([4.0, 4.0], [2.0, 2.0]).interval == pytest.approx((2.0, 2.0))
