"""What LoadGen says of a predictor beside what this project's own clock says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..proof.intervals import Interval
from .analysis.statistics import Latency, Ratio, paired_ratio
from .runner.processes import Answer

_NS_PER_SEC = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether LoadGen's figure, less its own cost, is the benchmark's.

    Attributes:
        ratio: LoadGen's figure less its own cost, over the benchmark's, from the same rounds.
        expected: Where the ratio lies if both measure the same: the noise that the benchmark itself found.
    """

    ratio: Ratio
    expected: Interval

    @property
    def agrees(self) -> bool:
        """Whether the ratio, or some of its interval, lies where it is expected."""
        low, high = self.ratio.interval or (self.ratio.value, self.ratio.value)
        return low <= self.expected[1] and high >= self.expected[0]


@dataclass(frozen=True, slots=True)
class LoadGenFigures:
    """LoadGen's results, medians over rounds.

    Attributes:
        queries: SingleStream's queries in all rounds.
        p50_ns: SingleStream's median, as LoadGen reports it.
        p90_ns: SingleStream's 90th percentile, as LoadGen reports it.
        p99_ns: SingleStream's 99th percentile, as LoadGen reports it.
        own_cost_ns: What LoadGen adds to a query: its p50 less that of the call within the same queries.
        single_stream: How that compares with the benchmark's end-to-end p50.
        offline_per_sec: Offline's samples per second, as LoadGen reports them; None for a fixed batch.
        offline_own_cost_ns: What LoadGen adds to Offline's one query.
        offline: How Offline compares with the benchmark's throughput of the whole test set.
    """

    queries: int
    p50_ns: float
    p90_ns: float
    p99_ns: float
    own_cost_ns: float
    single_stream: Agreement
    offline_per_sec: float | None
    offline_own_cost_ns: float | None
    offline: Agreement | None


def loadgen_figures(
    answers: Sequence[Answer], end_to_end: Latency, disturbed: Latency
) -> LoadGenFigures | None:
    """Compute LoadGen's figures; None where it did not run.

    Between two of LoadGen's queries its own code runs, which takes the caches from the model as any
    application does. So its p50 is expected between the benchmark's back-to-back calls and those with other
    work between them, give or take how far the medians of thirds of rounds lie apart in either.
    """
    if any("loadgen_single_ns" not in answer.arrays for answer in answers):
        return None
    reported = np.array([answer.arrays["loadgen_single_ns"] for answer in answers])
    inside = [answer.arrays["loadgen_single_inside_ns"] for answer in answers]
    less_cost = dict(enumerate(float(np.median(one)) for one in inside))
    own_cost_ns = float(np.median(reported[:, 0] - np.array(list(less_cost.values()))))
    noise = max(
        _half_spread(_blocks(inside)), _half_spread(_blocks([one.arrays["latency_ns"] for one in answers]))
    )
    slowest = max(disturbed.p50_ns / end_to_end.p50_ns, 1.0)
    p50, p90, p99 = np.median(reported, axis=0).tolist()
    per_sec, offline_cost, offline = _offline(answers)
    return LoadGenFigures(
        queries=sum(len(one) for one in inside),
        p50_ns=p50,
        p90_ns=p90,
        p99_ns=p99,
        own_cost_ns=own_cost_ns,
        single_stream=Agreement(
            paired_ratio(less_cost, dict(enumerate(end_to_end.round_p50_ns))),
            (1 - noise, slowest * (1 + noise)),
        ),
        offline_per_sec=per_sec,
        offline_own_cost_ns=offline_cost,
        offline=offline,
    )


def _offline(answers: Sequence[Answer]) -> tuple[float | None, float | None, Agreement | None]:
    if any("loadgen_offline_ns" not in answer.arrays for answer in answers):
        return None, None, None
    query_ns = np.array([float(answer.arrays["loadgen_offline_ns"][0]) for answer in answers])
    inside_ns = np.array([float(answer.arrays["loadgen_offline_inside_ns"][0]) for answer in answers])
    counts = np.array([int(answer.arrays["loadgen_offline_samples"][0]) for answer in answers])
    own_cost_ns = float(np.median(query_ns - inside_ns))
    whole = [_whole_set(answer) for answer in answers]
    theirs = {number: float(value) for number, value in enumerate(inside_ns / counts)}
    ours = {number: per_image for number, (per_image, _) in enumerate(whole)}
    noise = max(_half_spread(list(ours.values())), *(spread for _, spread in whole))
    agreement = Agreement(paired_ratio(theirs, ours), (1 - noise, 1 + noise))
    return float(np.median(counts * _NS_PER_SEC / query_ns)), own_cost_ns, agreement


def _whole_set(answer: Answer) -> tuple[float, float]:
    """Return the median nanoseconds per image in the largest batch, and the half spread of its calls."""
    size = max(int(name.split("_")[1]) for name in answer.arrays if name.startswith("batch_"))
    samples = answer.arrays[f"batch_{size}_ns"]
    return float(np.median(samples)) / size, _half_spread(samples.tolist())


def _blocks(rounds: Sequence[NDArray[np.int64]]) -> list[float]:
    """Return the medians of each round's first, second and last third."""
    return [float(np.median(part)) for samples in rounds for part in np.array_split(samples, 3) if len(part)]


def _half_spread(values: Sequence[float]) -> float:
    """Return half the distance from the smallest to the largest, as a share of the median."""
    return (max(values) - min(values)) / 2 / float(np.median(values))
