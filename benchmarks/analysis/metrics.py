"""The metrics of one case, computed from the samples of all its rounds."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ...data.datasets import Split
from ...proof.accuracy import Accuracy, score
from ...proof.parity import Parity, compare
from ...runtime.artifact.manifest import Count, Positive
from ...runtime.signature import ModelSignature, OutputKind
from ..runner.cases import Case
from ..runner.processes import WorkerResult
from ..worker.task import ResidentMemory
from .statistics import Duration, Latency, summarize

_NS_PER_SEC = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Throughput:
    """Inputs per second in batches of one size, from the median duration of a call."""

    batch_size: Positive
    images_per_sec: Annotated[float, Meta(gt=0)]
    calls: Positive


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory that a process holds, medians over rounds.

    Attributes:
        loaded_bytes: How much the resident set grew while the model was loaded.
        measured_bytes: How much it grew while single inputs were measured, after the warm-up.
        peak_bytes: The largest resident set, test inputs and Python included.
    """

    loaded_bytes: int
    measured_bytes: int
    peak_bytes: Count


@dataclass(frozen=True, slots=True)
class Metrics:
    """What was measured of one case. Durations are medians over rounds where nothing else is said.

    Attributes:
        start_ns: From the parent's order until Python runs the worker's first line.
        end_to_end: One input, from raw values until the answer is read: label and confidence, or values.
        bare: The engine's call alone, its input ready.
        paused: As `end_to_end`, but after a pause of 1 ms before each call.
        accuracy: Of a classifier whose test inputs have labels.
        r2: Of values whose test inputs have targets, the coefficient of determination.
        stable: Whether the outputs were the same in every round.
        cpus: The CPUs the processes were pinned to; None where they were not.
        clock_resolution_ns: Coarsest of all rounds.
        empty_call_ns: What measuring itself costs per call; every latency contains it.
        work_ns: The fixed piece of work, before and after each round.
        preemptions: How often others took the CPU while single inputs were measured; None if not known.
    """

    start_ns: Duration
    import_ns: Duration
    load_ns: Duration
    first_ns: Duration
    end_to_end: Latency
    bare: Latency
    paused: Latency
    throughput: tuple[Throughput, ...]
    memory: Memory | None
    accuracy: Accuracy | None
    parity: Parity | None
    stable: bool
    cpus: tuple[Count, ...] | None
    clock_resolution_ns: Positive
    empty_call_ns: Duration
    work_ns: tuple[Duration, ...]
    preemptions: int | None
    r2: float | None = None

    def images_per_sec(self, batch_size: int) -> float | None:
        """Return the throughput in batches of that size, or None where it was not measured."""
        return next((one.images_per_sec for one in self.throughput if one.batch_size == batch_size), None)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A row of the report: a case with its metrics, or why it was skipped or how it failed."""

    case: Case
    status: str
    reason: str
    metrics: Metrics | None


def compute_metrics(
    rounds: Sequence[WorkerResult], split: Split, reference: NDArray[np.float32] | None
) -> Metrics:
    """Compute a case's metrics from its rounds.

    Raises:
        EngineError: The model's outputs are not numbers.
        InputError: The model has fewer classes than the labels name.
    """
    facts = [one.facts for one in rounds if one.facts is not None]
    outputs, output = rounds[0].arrays["outputs"], output_of(rounds[0].signature)
    parity = None
    if reference is not None and reference.shape == outputs.shape:
        parity = compare_outputs(outputs, reference, output, split)
    interrupted = [fact.preemptions for fact in facts if fact.preemptions is not None]
    return Metrics(
        start_ns=_median(fact.start_ns for fact in facts),
        import_ns=_median(fact.import_ns for fact in facts),
        load_ns=_median(fact.load_ns for fact in facts),
        first_ns=_median(fact.first_ns for fact in facts),
        end_to_end=summarize([one.arrays["latency_ns"] for one in rounds]),
        bare=summarize([one.arrays["bare_ns"] for one in rounds]),
        paused=summarize([one.arrays["paused_ns"] for one in rounds]),
        throughput=_throughput(rounds),
        memory=_memory([fact.memory for fact in facts]),
        accuracy=None if output != "classes" or split.labels is None else score(outputs, split.labels),
        parity=parity,
        stable=all(np.array_equal(one.arrays["outputs"], outputs) for one in rounds),
        cpus=facts[0].cpus,
        clock_resolution_ns=max(fact.clock.resolution_ns for fact in facts),
        empty_call_ns=_median(fact.clock.empty_call_ns for fact in facts),
        work_ns=tuple(work for fact in facts for work in fact.work_ns),
        preemptions=sum(interrupted) if len(interrupted) == len(facts) else None,
        r2=compare_outputs(outputs, outputs, output, split).r2,
    )


def output_of(signature: ModelSignature | None) -> OutputKind:
    """Return what a model gives; classes where nothing is known of it."""
    return "classes" if signature is None else signature.output.kind


def compare_outputs(
    outputs: NDArray[np.float32], reference: NDArray[np.float32], kind: OutputKind, split: Split
) -> Parity:
    """Compare outputs for a data set with others for it; errors as of `proof.parity.compare`.

    Targets count where they have the shape of the outputs.
    """
    targets = split.targets
    if targets is not None and targets.size != outputs.size:
        targets = None
    return compare(outputs, reference, split.labels, classes=kind == "classes", targets=targets)


def _throughput(rounds: Sequence[WorkerResult]) -> tuple[Throughput, ...]:
    sizes = sorted(int(name.split("_")[1]) for name in rounds[0].arrays if name.startswith("batch_"))
    result = []
    for size in sizes:
        samples = np.concatenate([one.arrays[f"batch_{size}_ns"] for one in rounds])
        result.append(Throughput(size, size * _NS_PER_SEC / float(np.median(samples)), len(samples)))
    return tuple(result)


def _memory(readings: Sequence[ResidentMemory]) -> Memory | None:
    steps = np.array([astuple(reading) for reading in readings], np.float64)  # None becomes NaN
    if np.isnan(steps).any():
        return None
    imported, loaded, warmed, measured, peak = steps.T
    return Memory(
        loaded_bytes=int(np.median(loaded - imported)),
        measured_bytes=int(np.median(measured - warmed)),
        peak_bytes=int(np.median(peak)),
    )


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))
