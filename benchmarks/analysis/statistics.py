"""Statistics of latency samples: percentiles with tails kept, and intervals and ratios across rounds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ...proof.intervals import CONFIDENCE, Interval
from ...runtime.artifact.manifest import Positive
from ...runtime.errors import OptionError

MIN_ROUNDS = 2
_RESAMPLES = 2_000
_SEED = 20
Duration = Annotated[float, Meta(ge=0)]
Median = Annotated[float, Meta(gt=0, lt=1e15)]  # less than eleven days


@dataclass(frozen=True, slots=True)
class Latency:
    """How long calls took, all rounds together; nothing is cut off.

    Attributes:
        p50_interval_ns: 95 % interval of the median, see `median_interval`.
    """

    calls: Positive
    p50_ns: Median
    p90_ns: Duration
    p99_ns: Duration
    min_ns: Duration
    mean_ns: Duration
    max_ns: Duration
    round_p50_ns: Annotated[tuple[Median, ...], Meta(min_length=1)]
    p50_interval_ns: Interval | None

    @property
    def deviation(self) -> float:
        """How far the rounds' medians lie apart, as a share of the median of them all."""
        return (max(self.round_p50_ns) - min(self.round_p50_ns)) / self.p50_ns


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as large one quantity is as another.

    Attributes:
        value: A geometric mean over rounds.
        interval: 95 % interval; None without scipy, or where there are too few rounds.
        differs: Whether the interval excludes 1. Without an interval nothing is called a difference.
    """

    value: Annotated[float, Meta(gt=0)]
    interval: Interval | None
    differs: bool = field(init=False)

    def __post_init__(self) -> None:
        differs = self.interval is not None and not self.interval[0] <= 1 <= self.interval[1]
        object.__setattr__(self, "differs", differs)

    @property
    def inverse(self) -> "Ratio":
        """The ratio the other way round."""
        return Ratio(1 / self.value, self.interval and (1 / self.interval[1], 1 / self.interval[0]))


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
    differs between processes (memory layout, frequency, neighbours) is most of the warning.
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


def paired_ratio(numerators: Mapping[int, float], denominators: Mapping[int, float]) -> Ratio:
    """Return the ratio of two quantities measured in the same rounds, with the interval of a paired t test.

    Each round gives one ratio, so what slows a whole round cancels. The test is made on their logarithms;
    with as few rounds as there are it covers more honestly than a bootstrap.

    Args:
        numerators: A positive figure for each round number.
        denominators: The same; only rounds that both have are used.

    Raises:
        OptionError: They have no round in common.
    """
    shared = sorted(numerators.keys() & denominators.keys())
    if not shared:
        raise OptionError("a ratio of quantities that share no round")
    logs = np.log([numerators[number] / denominators[number] for number in shared])
    return _ratio(
        logs.mean(), len(shared), np.ptp(logs) == 0, lambda scipy_stats: scipy_stats.ttest_1samp(logs, 0)
    )


def independent_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Ratio:
    """Return the ratio of two quantities measured in different runs, with the interval of Welch's t test.

    Args:
        numerators: A positive figure for each round of the one run.
        denominators: The same for the other run.
    """
    above, below = np.log(numerators), np.log(denominators)
    return _ratio(
        above.mean() - below.mean(),
        min(len(above), len(below)),
        np.ptp(above) == np.ptp(below) == 0,
        lambda scipy_stats: scipy_stats.ttest_ind(above, below, equal_var=False),
    )


def _ratio(log: float, rounds: int, constant: bool, test: Callable[[Any], Any]) -> Ratio:
    value = float(np.exp(log))
    if rounds < MIN_ROUNDS or find_spec("scipy") is None:
        return Ratio(value, None)
    if constant:
        return Ratio(value, (value, value))
    import scipy.stats

    limits = test(scipy.stats).confidence_interval(CONFIDENCE)
    return Ratio(value, (float(np.exp(limits.low)), float(np.exp(limits.high))))
