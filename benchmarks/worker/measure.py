"""What a worker process measures: from importing the engine to the outputs for the whole test set."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns, sleep
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from ...runtime.assumed_signature import assumed_signature
from ...runtime.engines.registry import engine_for
from ...runtime.errors import ArtifactError
from ...runtime.loading import load_predictor
from ...runtime.predictor import Predictor
from ...runtime.process import usable_cpus
from ...runtime.signature import InputSpec, ModelSignature
from .conditions import measure_clock, measure_fixed_work, peak_resident_bytes, preemptions, resident_bytes
from .task import MAX_INPUT_BYTES, Facts, ResidentMemory, Task
from .timing import Effort, time_calls

MAX_ENCODED = 2048
BARE_SHARE = 10  # a slow engine makes one bare call for so many predictions; a quick one as many as fit in
PAUSE_SECS = 0.001
PAUSED = Effort(30, 80_000_000, 60)

Samples = dict[str, NDArray[Any]]
Answer = Callable[[NDArray[Any]], object]


def answering(predictor: Predictor) -> Answer:
    """Return a function that reads the answer for one input: the class's name and confidence, or values.

    `predict` alone would not do: a predictor decodes the engine's output when it is read.
    """
    predict = predictor.predict

    def classify(one: NDArray[Any]) -> object:
        prediction = predict(one)[0]
        return prediction.label, prediction.confidence

    def evaluate(one: NDArray[Any]) -> object:
        return predict(one).values

    return classify if predictor.signature.output.kind == "classes" else evaluate


def answering_batches(predictor: Predictor) -> Answer:
    """Return a function that reads the answers for a batch: names and confidences, or values."""
    predict = predictor.predict

    def classify(inputs: NDArray[Any]) -> object:
        predictions = predict(inputs)
        return predictions.labels, predictions.confidences.tolist()

    def evaluate(inputs: NDArray[Any]) -> object:
        return predict(inputs).values

    return classify if predictor.signature.output.kind == "classes" else evaluate


def measure(task: Task, started_ns: int, importing_ns: int) -> tuple[Facts, Samples, ModelSignature]:
    """Measure one model on one engine.

    The process ran its first line at `started_ns`, and began to import what is measured at `importing_ns`.

    Returns:
        The facts; the arrays: samples in ns, and "outputs", (N, ...) float32 for the test inputs in their own
        order; and what the model takes and gives.

    Raises:
        EdgeMnistError: The model cannot be loaded or run.
    """
    cpus = _pin(task.cpus)
    entry = engine_for(Path(task.path), task.engine)
    if entry.available:  # if not, loading says so
        entry.import_module()
    imported_ns, imported_bytes = perf_counter_ns(), resident_bytes()
    # With its sha256 given, the file is not probed in a subprocess first, for this process is one, and native
    # code is loaded: the runner has checked that the file with this sha256 may run.
    predictor = load_predictor(
        task.path, engine=task.engine, num_threads=task.num_threads, sha256=task.sha256 or None
    )
    loaded_ns, loaded_bytes = perf_counter_ns(), resident_bytes()
    predictor, inputs = _fitted(predictor, task)
    order = np.random.default_rng(task.seed).permutation(len(inputs))
    shuffled = np.asarray(inputs[order[: _at_once(inputs)]])
    answer = answering(predictor)
    first = time_calls(answer, shuffled[:1], Effort.exactly(1))
    work_before_ns = measure_fixed_work()
    singles = list(shuffled)
    warmup_ns = time_calls(answer, singles[::-1], Effort.exactly(task.warmup_calls))
    warmed_bytes, interrupted = resident_bytes(), preemptions()
    latency_ns = time_calls(answer, singles, Effort(task.min_calls, task.min_ns, task.max_calls))
    measured_bytes, interrupted_after = resident_bytes(), preemptions()
    samples: Samples = {"warmup_ns": warmup_ns, "latency_ns": latency_ns}
    samples |= _other_single_inputs(predictor, singles, task)
    samples["outputs"] = _outputs(predictor, inputs)
    samples |= _batches(predictor, shuffled, task)
    facts = Facts(
        start_ns=started_ns - task.spawned_ns,
        import_ns=imported_ns - importing_ns,
        load_ns=loaded_ns - imported_ns,
        first_ns=int(first[0]),
        cpus=cpus,
        clock=measure_clock(),
        work_ns=(work_before_ns, measure_fixed_work()),
        input=f"{predictor.input.dtype} {list(predictor.input.shape)}",
        preemptions=None if interrupted is None else (interrupted_after or 0) - interrupted,
        memory=ResidentMemory(
            imported_bytes, loaded_bytes, warmed_bytes, measured_bytes, peak_resident_bytes()
        ),
    )
    return facts, samples, predictor.signature


def _pin(cpus: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Pin this process; return the CPUs it is pinned to, or None where the system does not pin."""
    if cpus is None or not hasattr(os, "sched_setaffinity"):
        return None
    os.sched_setaffinity(0, cpus)
    return tuple(usable_cpus())


def _fitted(predictor: Predictor, task: Task) -> tuple[Predictor, NDArray[Any]]:
    """Return the predictor, and the test inputs in the shape of this model's, such as `(N, 4, 6, 1)`.

    A file that does not name its input is taken to have images; features show that it has features.

    Raises:
        ArtifactError: It takes a fixed batch of several, or other inputs.
    """
    inputs: NDArray[Any] = np.load(task.inputs, mmap_mode="r")
    batch = predictor.input.shape[0]
    if batch not in (None, 1):
        raise ArtifactError(
            f"{predictor.path.name} cannot be measured one input at a time",
            received=f"a batch of exactly {batch}",
            expected="a batch of 1, or of any number",
        )
    spec = predictor.signature.input
    if inputs.dtype == np.float32 and spec.kind == "image":
        assumed = assumed_signature(predictor.path.name, predictor.input, predictor.output).input
        if spec != assumed:
            raise ArtifactError(
                f"{predictor.path.name} takes images", received="features of the data set", expected="uint8"
            )
        spec = InputSpec("features", spec.shape)
        predictor = predictor.with_signature(replace(predictor.signature, input=spec))
    if inputs[0].size != math.prod(spec.shape):
        noun = "images" if inputs.dtype == np.uint8 else "features"
        raise ArtifactError(
            f"the test {noun} are no input of {predictor.path.name}",
            received=f"{noun} of {_across(inputs.shape[1:])}",
            expected=_across(spec.shape),
            fix="Give data of the model's input shape: --data PATH.",
        )
    return predictor, inputs.reshape(-1, *spec.shape)


def _other_single_inputs(predictor: Predictor, singles: list[NDArray[Any]], task: Task) -> Samples:
    """Measure single inputs in ways that explain the main figure: bare, and after a pause."""
    answer = answering(predictor)
    encoded = [predictor.encode(one) for one in singles[:MAX_ENCODED]]
    bare = Effort(math.ceil(task.min_calls / BARE_SHARE), task.min_ns // 2, task.max_calls)
    time_calls(predictor.engine.run, encoded, Effort.exactly(task.warmup_calls))
    return {
        "bare_ns": time_calls(predictor.engine.run, encoded, bare),
        "paused_ns": time_calls(answer, singles, PAUSED, between=lambda: sleep(PAUSE_SECS)),
    }


def _across(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _outputs(predictor: Predictor, inputs: NDArray[Any]) -> NDArray[np.float32]:
    size = predictor.input.shape[0] or _at_once(inputs)
    batches = (np.asarray(inputs[start : start + size]) for start in range(0, len(inputs), size))
    return np.concatenate([predictor.predict(batch).values for batch in batches])


def _at_once(inputs: NDArray[Any]) -> int:
    """Return how many of the inputs to hold in memory: all, unless they are too large."""
    return max(min(len(inputs), MAX_INPUT_BYTES // int(inputs[0].nbytes)), 1)


def _batches(predictor: Predictor, inputs: NDArray[Any], task: Task) -> Samples:
    samples = {}
    answer = answering_batches(predictor)
    fixed = predictor.input.shape[0]
    warm = len(inputs)  # from the outputs for the whole set, just before
    for size in sorted(task.batch_sizes, reverse=True):
        if fixed not in (None, size):
            continue
        batches = [inputs[start : start + size] for start in range(0, len(inputs) - size + 1, size)]
        if size != warm:
            answer(batches[-1])  # engines lay out their memory anew for each batch size
        samples[f"batch_{size}_ns"] = time_calls(
            answer, batches, Effort(task.min_batches, task.min_batch_ns, task.max_calls)
        )
    return samples
