"""What a benchmark found: figures computed from a collection, one row for each target."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import EdgeMnistError
from ..runtime.manifest import REFERENCE_NAME
from .collect import Collection, Measured, Plan
from .datasets import Split
from .machine import Machine
from .parity import Accuracy, Parity, compare, score
from .processes import Answer
from .statistics import Latency, summarize
from .targets import KERAS, Target

_NS_PER_SEC = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Throughput:
    """Images per second in batches of one size.

    Attributes:
        batch_size: Images in one call.
        images_per_sec: From the median duration of a call.
        calls: How many were measured.
    """

    batch_size: int
    images_per_sec: float
    calls: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory that a process holds, medians over rounds.

    Attributes:
        loaded_bytes: How much the resident set grew while the model was loaded.
        measured_bytes: How much it grew from then until all single images had been measured.
        peak_bytes: The largest resident set, test images and Python included.
    """

    loaded_bytes: int
    measured_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one target. Durations are medians over rounds where nothing else is said.

    Attributes:
        start_ns: From the parent's order until Python runs the worker's first line.
        import_ns: Importing numpy, the runtime and the engine.
        load_ns: Loading the model.
        first_ns: The first inference, one image.
        end_to_end: `predict` with one image: checks, quantization, run, probabilities.
        bare: The engine's call alone, its input ready.
        throughput: For each batch size; the last one is the whole test set.
        memory: None where the system does not tell.
        accuracy: On all test images.
        parity: Against the reference; None where there is none.
        cpus: The CPUs the processes were pinned to; None where they were not.
        clock_resolution_ns: Coarsest of all rounds.
        empty_call_ns: What measuring itself costs per call; every latency contains it.
    """

    start_ns: float
    import_ns: float
    load_ns: float
    first_ns: float
    end_to_end: Latency
    bare: Latency
    throughput: tuple[Throughput, ...]
    memory: Memory | None
    accuracy: Accuracy
    parity: Parity | None
    cpus: tuple[int, ...] | None
    clock_resolution_ns: int
    empty_call_ns: float


@dataclass(frozen=True, slots=True)
class Row:
    """A target with its figures, or why it has none.

    Attributes:
        target: What was measured.
        status: "measured", "skipped" or "failed".
        reason: Why it was skipped or how it failed, else "".
        figures: None unless measured.
    """

    target: Target
    status: str
    reason: str
    figures: Figures | None


@dataclass(frozen=True, slots=True)
class Results:
    """A whole benchmark.

    Attributes:
        rows: One for each target.
        machine: Where it ran.
        plan: How much was measured.
        images: How many test images.
        reference: What parity is against: a file's name, or "" where there is nothing.
        notes: What is missing from the figures, and why.
        elapsed_secs: How long collecting took.
        created: When, in ISO 8601 with the zone.
    """

    rows: tuple[Row, ...]
    machine: Machine
    plan: Plan
    images: int
    reference: str
    notes: tuple[str, ...]
    elapsed_secs: float
    created: str


def compute(
    collection: Collection, split: Split, plan: Plan, machine: Machine, *, folder: Path, created: str
) -> Results:
    """Compute all figures of a collection.

    Args:
        collection: What was collected.
        split: The test images that were used.
        plan: The plan that was followed.
        machine: Where it ran.
        folder: Where a `reference.npz` may lie.
        created: When collecting began, ISO 8601.
    """
    reference, reference_name = _reference(collection, split, folder)
    rows = tuple(_row(measured, split, reference) for measured in collection.measured)
    notes = []
    if reference is None:
        notes.append(
            f"No {REFERENCE_NAME} for these test images and no Keras row, so agreement is not known."
        )
    if find_spec("scipy") is None:
        notes.append("scipy is not installed, so there are no intervals: pip install 'edgemnist[bench]'")
    if any(row.figures and row.figures.memory is None for row in rows):
        notes.append("Memory is read from /proc, which this system does not have.")
    return Results(
        rows=rows,
        machine=machine,
        plan=plan,
        images=len(split),
        reference=reference_name,
        notes=tuple(notes),
        elapsed_secs=collection.elapsed_secs,
        created=created,
    )


def _reference(collection: Collection, split: Split, folder: Path) -> tuple[NDArray[np.float32] | None, str]:
    path = folder / REFERENCE_NAME
    if path.exists():
        with np.load(path) as file:
            probabilities: NDArray[np.float32] = file["probabilities"]
        if len(probabilities) == len(split):
            return probabilities, REFERENCE_NAME
    for measured in collection.measured:
        if measured.target.engine == KERAS and measured.status == "measured":
            return measured.answers[0].arrays["probabilities"], measured.target.name
    return None, ""


def _row(measured: Measured, split: Split, reference: NDArray[np.float32] | None) -> Row:
    if measured.status != "measured":
        return Row(measured.target, measured.status, measured.reason, None)
    try:
        figures = _figures(list(measured.answers.values()), split, reference)
    except EdgeMnistError as error:
        return Row(measured.target, "failed", str(error), None)
    return Row(measured.target, "measured", "", figures)


def _figures(answers: Sequence[Answer], split: Split, reference: NDArray[np.float32] | None) -> Figures:
    facts = [answer.facts for answer in answers]
    probabilities = answers[0].arrays["probabilities"]
    return Figures(
        start_ns=_median(fact["start_ns"] for fact in facts),
        import_ns=_median(fact["import_ns"] for fact in facts),
        load_ns=_median(fact["load_ns"] for fact in facts),
        first_ns=_median(fact["first_ns"] for fact in facts),
        end_to_end=summarize([answer.arrays["latency_ns"] for answer in answers]),
        bare=summarize([answer.arrays["bare_ns"] for answer in answers]),
        throughput=_throughput(answers),
        memory=_memory([fact["memory"] for fact in facts]),
        accuracy=score(probabilities, split.labels),
        parity=None if reference is None else compare(probabilities, reference, split.labels),
        cpus=None if facts[0]["cpus"] is None else tuple(facts[0]["cpus"]),
        clock_resolution_ns=max(fact["clock"]["resolution_ns"] for fact in facts),
        empty_call_ns=_median(fact["clock"]["empty_call_ns"] for fact in facts),
    )


def _throughput(answers: Sequence[Answer]) -> tuple[Throughput, ...]:
    sizes = sorted(int(name.split("_")[1]) for name in answers[0].arrays if name.startswith("batch_"))
    result = []
    for size in sizes:
        samples = np.concatenate([answer.arrays[f"batch_{size}_ns"] for answer in answers])
        result.append(Throughput(size, size * _NS_PER_SEC / float(np.median(samples)), len(samples)))
    return tuple(result)


def _memory(readings: Sequence[dict[str, int | None]]) -> Memory | None:
    if readings[0]["peak_bytes"] is None:
        return None
    known = [{key: value or 0 for key, value in reading.items()} for reading in readings]
    return Memory(
        loaded_bytes=int(_median(reading["loaded_bytes"] - reading["imported_bytes"] for reading in known)),
        measured_bytes=int(_median(reading["measured_bytes"] - reading["loaded_bytes"] for reading in known)),
        peak_bytes=int(_median(reading["peak_bytes"] for reading in known)),
    )


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))
