"""Does MLPerf's LoadGen measure what `edgemnist bench` measures?

`python -m edgemnist.benchmarks.studies.speed.loadgen_cross_check MODEL... [--turns N]`

Each turn is a fresh process on one CPU that times single images and the whole set with this project's loop,
and lets LoadGen's SingleStream and Offline scenarios do the same with the same predictor. LoadGen's own cost
is measured within its queries and subtracted. Between two of them its own code runs, which evicts the model
from the caches as any application does, so its p50 is expected between that of calls made back to back and
that of calls with other work between them. Ends with exit code 1 if it lies elsewhere. Needs
mlcommons-loadgen; these are no MLPerf results.
"""

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter_ns
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ....data.datasets import load_test_split
from ....proof.intervals import Interval
from ....runtime.errors import EngineError
from ....runtime.loading import load_predictor
from ....runtime.process import usable_cpus
from ...analysis.statistics import Ratio, paired_ratio
from ...report.units import duration
from ...worker.measure import Answer, answering
from ...worker.timing import Effort, time_calls
from .. import required, run_study

MIN_MS = 300
MIN_CALLS = 1000
BATCHES = Effort(9, 100_000_000, 200)
DISTURBED = Effort(200, 10_000_000, 2000)
DISTURBED_BYTES = 2_097_152  # more than the weights and most cores' own caches
_OFFLINE_MARGIN = 1.1  # LoadGen's Offline query holds so many times min_duration * expected_qps samples
_LOG_MARK = ":::MLLOG "
_MEDIAN = "result_50.00_percentile_latency_ns"
_LONGEST = "result_max_latency_ns"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one process measured.

    Attributes:
        latency_ns: (calls,) single images, back to back.
        disturbed_ns: (calls,) single images with other work between them.
        batch_ns: (calls,) the whole set in one call; empty where the model has a fixed batch.
        single_p50_ns: SingleStream's median as LoadGen reports it.
        single_inside_ns: (queries,) the call alone, by this project's clock within LoadGen's queries.
        offline_inside_ns: The same for Offline, per image; None where the model has a fixed batch.
    """

    latency_ns: NDArray[np.int64]
    disturbed_ns: NDArray[np.int64]
    batch_ns: NDArray[np.int64]
    images: int
    single_p50_ns: float
    single_inside_ns: NDArray[np.int64]
    offline_inside_ns: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """LoadGen's time less its own cost, over the benchmark's, and where it lies if both measure the same."""

    ratio: Ratio
    expected: Interval

    @property
    def agrees(self) -> bool:
        """Whether the ratio, or some of its interval, lies where it is expected."""
        low, high = self.ratio.interval or (self.ratio.value, self.ratio.value)
        return low <= self.expected[1] and high >= self.expected[0]

    def __str__(self) -> str:
        """Return the ratio, where it is expected, and what follows."""
        low, high = self.expected
        verdict = "agree" if self.agrees else "disagree"
        return f"ratio {self.ratio.value:.2f}, expected {low:.2f} to {high:.2f}: they {verdict}"


def single_stream(turns: Sequence[Turn]) -> Agreement:
    """Compare SingleStream with single images, measured back to back."""
    ours = [turn.latency_ns for turn in turns]
    theirs = [turn.single_inside_ns for turn in turns]
    slowdown = np.median([np.median(turn.disturbed_ns) / np.median(turn.latency_ns) for turn in turns])
    noise = max(_noise(ours), _noise(theirs))
    return Agreement(
        paired_ratio(_medians(theirs), _medians(ours)), (1 - noise, max(float(slowdown), 1.0) * (1 + noise))
    )


def offline(turns: Sequence[Turn]) -> Agreement | None:
    """Compare Offline with the whole set in one call, per image; None where the model has a fixed batch."""
    theirs = {number: turn.offline_inside_ns for number, turn in enumerate(turns) if turn.offline_inside_ns}
    if not theirs:
        return None
    per_image = [turn.batch_ns / turn.images for turn in turns]
    noise = _noise(per_image)
    return Agreement(paired_ratio(theirs, _medians(per_image)), (1 - noise, 1 + noise))


def measure(path: Path, turns: int) -> list[Turn]:
    """Measure a model in so many fresh processes.

    Raises:
        EdgeMnistError: LoadGen is not installed or gave no result.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return list(pool.map(measure_turn, [str(path)] * turns, range(turns)))


def measure_turn(path: str, seed: int) -> Turn:
    """Measure a model with this project's loop and with LoadGen, in this process."""
    lg = required("mlperf_loadgen", "mlcommons-loadgen")
    if (cpus := usable_cpus()) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus[-1:])
    predictor = load_predictor(path, num_threads=1)
    answer = answering(predictor)
    images = np.random.default_rng(seed).permutation(load_test_split().array)
    shape = [axis for axis in predictor.input.shape[1:] if axis is not None]
    if math.prod(shape) == images[0].size:
        images = images.reshape(-1, *shape)
    singles = list(images)
    time_calls(answer, singles[::-1], Effort.exactly(100))
    latency_ns = time_calls(answer, singles, Effort(MIN_CALLS, MIN_MS * 1_000_000, 50_000))
    disturbed_ns = time_calls(answer, singles, DISTURBED, between=_other_work())
    found, inside, _ = _run(
        *(lg, "SingleStream", seed, answer, images),
        single_stream_expected_latency_ns=int(np.median(latency_ns)),
        min_duration_ms=MIN_MS,
        min_query_count=MIN_CALLS,
    )
    batch_ns, offline_inside_ns = np.empty(0, np.int64), None
    if predictor.input.shape[0] is None:
        answer(images)  # engines lay out their memory anew for each batch size
        batch_ns = time_calls(answer, [images], BATCHES)
        expected = len(images) * 1000 / _OFFLINE_MARGIN
        _, offline_ns, sizes = _run(
            *(lg, "Offline", seed, answer, images), min_duration_ms=1, offline_expected_qps=expected
        )
        offline_inside_ns = offline_ns[0] / sizes[0]
    return Turn(
        latency_ns, disturbed_ns, batch_ns, len(images), found[_MEDIAN], np.array(inside), offline_inside_ns
    )


def _run(
    lg: Any, scenario: str, seed: int, respond: Answer, images: NDArray[np.uint8], **options: float
) -> tuple[dict[str, Any], list[int], list[int]]:
    """Run a scenario; return LoadGen's results, and for each query the time inside and the samples in it."""
    settings = lg.TestSettings()
    settings.scenario, settings.mode = getattr(lg.TestScenario, scenario), lg.TestMode.PerformanceOnly
    settings.sample_index_rng_seed = settings.schedule_rng_seed = settings.qsl_rng_seed = seed
    for name, value in ({"min_query_count": 1} | options).items():
        setattr(settings, name, value)
    inside: list[int] = []
    sizes: list[int] = []
    singles = list(images)

    def answer(queries: Sequence[Any]) -> None:
        batch = singles[queries[0].index] if len(queries) == 1 else images[[query.index for query in queries]]
        start = perf_counter_ns()
        respond(batch)
        inside.append(perf_counter_ns() - start)
        sizes.append(len(queries))
        lg.QuerySamplesComplete([lg.QuerySampleResponse(query.id, 0, 0) for query in queries])

    def nothing(*_samples: object) -> None:
        """Load, unload or flush nothing: the samples are in memory and answered at once."""

    with tempfile.TemporaryDirectory(prefix="edgemnist-loadgen-") as folder:
        logs, output = lg.LogSettings(), lg.LogOutputSettings()
        output.outdir, output.copy_summary_to_stdout = folder, False
        logs.log_output, logs.enable_trace = output, False
        system = lg.ConstructSUT(answer, nothing)
        library = lg.ConstructQSL(len(images), len(images), nothing, nothing)
        try:
            lg.StartTestWithLogSettings(system, library, settings, logs)
        finally:
            lg.DestroyQSL(library)
            lg.DestroySUT(system)
        return _read_results(Path(folder) / "mlperf_log_detail.txt"), inside, sizes


def _read_results(path: Path) -> dict[str, Any]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = [json.loads(line[len(_LOG_MARK) :]) for line in lines if line.startswith(_LOG_MARK)]
    found = {record["key"]: record["value"] for record in records if record["key"].startswith("result_")}
    if _MEDIAN not in found or _LONGEST not in found:
        raise EngineError("LoadGen gave no result", received=f"{len(records)} log records")
    return found


def _other_work() -> Callable[[], object]:
    """Return work that evicts the model from the caches, code and data, as an application does."""
    memory = np.zeros(DISTURBED_BYTES // 8)
    message = json.dumps([{"label": "7", "confidence": 0.5}] * 2)

    def work() -> None:
        memory.sum()
        json.dumps(json.loads(message), indent=1)

    return work


def _medians(turns: Sequence[NDArray[Any]]) -> dict[int, float]:
    return {number: float(np.median(samples)) for number, samples in enumerate(turns)}


def _noise(turns: Sequence[NDArray[Any]]) -> float:
    """Return how far medians of thirds of turns lie from their middle, as a share of their median."""
    thirds = [np.median(part) for samples in turns for part in np.array_split(samples, 3) if len(part)]
    return float(np.ptp(thirds) / 2 / np.median(thirds))


def main(
    models: Annotated[list[Path], typer.Argument(help="Model files.")],
    turns: Annotated[int, typer.Option(min=2, help="Fresh processes for each model.")] = 3,
) -> None:
    """Measure each model with LoadGen and with this project's loop, and print how they compare."""
    agreements = []
    for path in models:
        done = measure(path, turns)
        own_cost_ns = np.median([turn.single_p50_ns - np.median(turn.single_inside_ns) for turn in done])
        stream, whole = single_stream(done), offline(done)
        cost = duration(float(own_cost_ns))
        print(f"{path.name}: SingleStream {stream} (LoadGen's own cost {cost} a query)")
        if whole is not None:
            print(f"{path.name}: Offline {whole}")
        agreements += [one for one in (stream, whole) if one is not None]
    if not all(one.agrees for one in agreements):
        sys.exit(1)


if __name__ == "__main__":
    run_study(main)
