"""LoadGen's SingleStream and Offline scenarios on the same predictor, in the same process.

Uses the `mlcommons-loadgen` package. The figures are not MLPerf results: no such run follows its rules.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import EngineError, MissingExtraError
from ..runtime.predictor import Predictor
from .worker.end_to_end import classifier
from .worker.task import Task

PERCENTILES = (50, 90, 99)
_NS_PER_MS = 1_000_000
_MS_PER_SEC = 1000
_OFFLINE_MARGIN = 1.1  # LoadGen's Offline query holds so many times min_duration * expected_qps samples
_LOG_MARK = ":::MLLOG "


def require_loadgen() -> Any:
    """Import and return LoadGen.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import mlperf_loadgen
    except ImportError as error:
        raise MissingExtraError("mlperf_loadgen", "loadgen", "--loadgen") from error
    return mlperf_loadgen


def run_loadgen(
    predictor: Predictor, images: NDArray[np.uint8], task: Task, *, expected_ns: int
) -> dict[str, NDArray[Any]]:
    """Run SingleStream and, where the model takes any batch, Offline.

    Args:
        predictor: What answers the queries.
        images: (N, ...) uint8, LoadGen's sample library.
        task: How much to measure.
        expected_ns: About how long one image takes, from which LoadGen plans its queries.

    Returns:
        "loadgen_single_ns": the p50, p90 and p99 that LoadGen reports for a query.
        "loadgen_single_inside_ns": for each query, this project's clock around `classify` within it.
        "loadgen_offline_ns", "loadgen_offline_inside_ns": the same for Offline's one query of many samples.
        "loadgen_offline_samples": how many.

    Raises:
        MissingExtraError: LoadGen is not installed.
        EngineError: LoadGen gave no result.
    """
    lg = require_loadgen()
    settings = _settings(lg, lg.TestScenario.SingleStream, task)
    settings.single_stream_expected_latency_ns = expected_ns
    settings.min_duration_ms = task.loadgen_ns // _NS_PER_MS
    settings.min_query_count = task.min_calls
    found, inside, _ = _run(lg, settings, predictor, images)
    samples: dict[str, NDArray[Any]] = {
        "loadgen_single_ns": np.array([found[f"result_{p}.00_percentile_latency_ns"] for p in PERCENTILES]),
        "loadgen_single_inside_ns": np.array(inside),
    }
    if predictor.input.shape[0] is None:
        settings = _settings(lg, lg.TestScenario.Offline, task)
        settings.min_duration_ms = 1
        settings.offline_expected_qps = len(images) * _MS_PER_SEC / _OFFLINE_MARGIN
        found, inside, sizes = _run(lg, settings, predictor, images)
        samples["loadgen_offline_ns"] = np.array([found["result_max_latency_ns"]])
        samples["loadgen_offline_inside_ns"] = np.array(inside)
        samples["loadgen_offline_samples"] = np.array(sizes)
    return samples


def _settings(lg: Any, scenario: Any, task: Task) -> Any:
    settings = lg.TestSettings()
    settings.scenario = scenario
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_query_count = 1
    settings.sample_index_rng_seed = task.seed
    settings.schedule_rng_seed = task.seed
    settings.qsl_rng_seed = task.seed
    return settings


def _run(
    lg: Any, settings: Any, predictor: Predictor, images: NDArray[np.uint8]
) -> tuple[dict[str, Any], list[int], list[int]]:
    """Run a scenario; return LoadGen's results, and for each query the time inside and the samples in it."""
    inside: list[int] = []
    sizes: list[int] = []
    singles = list(images)
    classify = classifier(predictor)

    def answer(queries: Sequence[Any]) -> None:
        batch = singles[queries[0].index] if len(queries) == 1 else images[[query.index for query in queries]]
        start = perf_counter_ns()
        classify(batch)
        inside.append(perf_counter_ns() - start)
        sizes.append(len(queries))
        lg.QuerySamplesComplete([lg.QuerySampleResponse(query.id, 0, 0) for query in queries])

    with tempfile.TemporaryDirectory(prefix="edgemnist-loadgen-") as folder:
        _start_test(lg, settings, answer, len(images), folder)
        found = _read_results(Path(folder) / "mlperf_log_detail.txt")
    return found, inside, sizes


def _start_test(
    lg: Any, settings: Any, answer: Callable[[Sequence[Any]], None], count: int, folder: str
) -> None:
    output = lg.LogOutputSettings()
    output.outdir = folder
    output.copy_summary_to_stdout = False
    logs = lg.LogSettings()
    logs.log_output = output
    logs.enable_trace = False
    system = lg.ConstructSUT(answer, _nothing)
    library = lg.ConstructQSL(count, count, _nothing, _nothing)
    try:
        lg.StartTestWithLogSettings(system, library, settings, logs)
    finally:
        lg.DestroyQSL(library)
        lg.DestroySUT(system)


def _nothing(*_samples: object) -> None:
    """Load, unload or flush nothing: the samples are in memory and answered at once."""


def _read_results(path: Path) -> dict[str, Any]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = [json.loads(line.removeprefix(_LOG_MARK)) for line in lines if line.startswith(_LOG_MARK)]
    found = {record["key"]: record["value"] for record in records if record["key"].startswith("result_")}
    if "result_50.00_percentile_latency_ns" not in found:
        raise EngineError("LoadGen gave no result", received=f"{len(records)} log records")
    return found
