"""Typical latencies found in made distributions."""

import numpy as np
import pytest

from edgemnist.benchmarks.analysis import modes
from edgemnist.benchmarks.analysis.modes import find_modes


def lognormal(median, spread, count, seed=0):
    return np.random.default_rng(seed).lognormal(np.log(median), spread, count).astype(np.int64)


@pytest.mark.parametrize("spread", [0.01, 0.05, 0.3])
def test_one_hump_is_one_mode_at_its_peak(spread):
    (mode,) = find_modes(lognormal(20_000, spread, 5000))
    assert mode.latency_ns == pytest.approx(20_000, rel=0.15)


def test_two_humps_are_two_modes_with_their_shares():
    samples = np.r_[lognormal(20_000, 0.04, 3000), lognormal(35_000, 0.04, 1000)]
    first, second = find_modes(samples)
    assert (first.latency_ns, second.latency_ns) == pytest.approx((20_000, 35_000), rel=0.05)
    assert (first.share, second.share) == pytest.approx((0.75, 0.25), abs=0.02)


def test_a_rare_tail_is_no_mode():
    samples = np.r_[lognormal(20_000, 0.04, 3000), lognormal(60_000, 0.04, 60)]
    assert len(find_modes(samples)) == 1


def test_equal_samples_are_one_mode():
    assert len(find_modes(np.full(50, 1000))) == 1


def test_without_scipy_no_modes_are_looked_for(monkeypatch):
    monkeypatch.setattr(modes, "find_spec", lambda _name: None)
    assert find_modes(np.array([1, 2])) == ()
