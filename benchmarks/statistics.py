"""Statistics of latency samples: percentiles with tails kept, and intervals across rounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
CONFIDENCE = 0.95
MIN_ROUNDS = 2
_RESAMPLES = 9999
_SEED = 20


@dataclass(frozen=True, slots=True)
class Latency:
    """How long calls took, all rounds together.

    Attributes:
        calls: How many were measured.
        p50_ns: Median.
        p90_ns: 90th percentile.
        p99_ns: 99th percentile.
        min_ns: Quickest.
        mean_ns: Mean.
        max_ns: Slowest; nothing is cut off.
        round_p50_ns: The median of each round, in the order of rounds.
        p50_interval_ns: 95 % interval of the median, see `median_interval`.
    """

    calls: int
    p50_ns: float
    p90_ns: float
    p99_ns: float
    min_ns: float
    mean_ns: float
    max_ns: float
    round_p50_ns: tuple[float, ...]
    p50_interval_ns: Interval | None


def summarize(rounds: Sequence[NDArray[np.int64]]) -> Latency:
    """Summarize the samples of all rounds, (calls,) int64 nanoseconds each."""
    samples = np.concatenate(rounds)
    p50, p90, p99 = np.percentile(samples, (50, 90, 99)).tolist()
    medians = tuple(float(np.median(one)) for one in rounds)
    return Latency(
        calls=len(samples),
        p50_ns=p50,
        p90_ns=p90,
        p99_ns=p99,
        min_ns=float(samples.min()),
        mean_ns=float(samples.mean()),
        max_ns=float(samples.max()),
        round_p50_ns=medians,
        p50_interval_ns=median_interval(medians),
    )


def median_interval(medians: Sequence[float]) -> Interval | None:
    """Return a 95 % bootstrap interval of the median across rounds; None without scipy or with one round.

    Rounds are resampled, not calls: calls within one process are not independent of each other, and what
    differs between processes (memory layout, frequency, neighbours) is most of the doubt.
    """
    if len(medians) < MIN_ROUNDS or find_spec("scipy") is None:
        return None
    if min(medians) == max(medians):
        return medians[0], medians[0]
    from scipy.stats import bootstrap

    result = bootstrap(
        (np.array(medians),),
        np.median,
        n_resamples=_RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
