"""`bench.json`: its type, from which its schema is generated, and how it is written and read.

It holds the metrics, everything they depend on, and the raw samples they were computed from. Durations are
nanoseconds, sizes bytes, shares 0 to 1, intervals [low, high] at 95 %. The keys are those of schema version
1; unknown ones are ignored, since older versions measured more.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct, convert
from numpy.typing import NDArray

from ...data.datasets import Split
from ...proof.parity import Parity
from ...runtime.artifact.documents import DocumentType, encode
from ...runtime.artifact.manifest import Count, Positive, Sha256
from ...runtime.errors import ArtifactNotFoundError
from ...runtime.files import write_text
from ...runtime.output_decoder import class_indices
from ...runtime.signature import ModelSignature
from ..analysis import metrics, results, statistics
from ..emulation.collect import DeviceMetrics, DeviceRow
from ..runner import machine
from ..runner.collect import Collection, Measurement
from ..runner.processes import MEASURED
from ..worker.task import Facts
from .compact_arrays import Samples, encode_array

MAX_CONFUSION = 64  # classes
Name = Annotated[str, Meta(min_length=1)]
Status = Literal["measured", "skipped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(machine.Machine):
    """Where it was measured, and the load average before."""

    load_before: float | None


class Comparison(Struct, frozen=True):
    """A row beside its base; ratios are the base's over the target's."""

    target: str
    base: str
    size_ratio: Annotated[float, Meta(gt=0)]
    speed: statistics.Ratio
    parity: Parity | None


@dataclass(frozen=True, slots=True)
class Round(Facts):
    """One process; `samples_ns` is in call order, see `edgemnist.benchmarks.worker.measure`."""

    round: Count
    samples_ns: dict[str, Samples]


class Row(Struct, frozen=True):
    """A model on an engine; `predicted` is the class of each test input, null for values."""

    file: Name
    engine: Name
    format: str
    precision: str
    size_bytes: Count
    sha256: Sha256 | Literal[""]
    status: Status
    reason: str
    figures: metrics.Metrics | None
    predicted: Samples | None
    rounds: tuple[Round, ...]

    def __post_init__(self) -> None:
        _check_status(self)
        accuracy = self.figures and self.figures.accuracy
        if accuracy and not 0 <= accuracy.accuracy <= 1:
            raise ValueError(f"the accuracy of {self.file} is {accuracy.accuracy}")
        if accuracy and self.predicted is None:
            raise ValueError(f"{self.file} has an accuracy and no predictions")


class Device(Struct, frozen=True):
    """A model in C on an emulated device; `instructions` are of each test input."""

    file: Name
    sha256: Sha256
    target: Name
    title: Name
    compiler: Annotated[tuple[str, ...], Meta(min_length=1)]
    emulator: tuple[str, ...]
    compiler_version: str | None
    emulator_version: str | None
    status: Status
    reason: str
    figures: DeviceMetrics | None
    predicted: Samples | None
    instructions: Samples | None

    def __post_init__(self) -> None:
        _check_status(self)


class Doubt(Struct, frozen=True):
    """A reason to distrust a row, "file (engine)", or all of them where `target` is empty."""

    code: str
    target: str
    text: str


class Bench(Struct, frozen=True):
    """What `edgemnist bench` measured.

    Attributes:
        labels: The true class of each test input; null where it is not known.
        signature: What the model takes and gives; null in reports of older versions.
        data: Where the test inputs come from.
    """

    schema_version: Literal[1]
    created: str
    elapsed_secs: statistics.Duration
    machine: Machine
    plan: dict[str, Any]
    images: Positive
    images_sha256: Sha256
    labels: Samples | None
    reference: str
    verdicts: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    notes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    rows: tuple[Row, ...]
    devices: tuple[Device, ...] = ()
    signature: ModelSignature | None = None
    data: str = ""

    def __post_init__(self) -> None:
        """Check that two reports can be compared input by input."""
        for row in self.rows:
            if row.predicted is not None and row.predicted.count != self.images:
                raise ValueError(
                    f"{row.predicted.count} predictions of {row.file} ({row.engine}) for {self.images} inputs"
                )


def _check_status(row: Row | Device) -> None:
    complete = row.figures is not None
    if (
        complete != (row.status == MEASURED)
        or not (complete or row.reason)
        or (row.predicted and not complete)
    ):
        raise ValueError(f"figures of {row.file} do not fit the status {row.status!r}")


REPORT = DocumentType("a benchmark report", Bench, 1, "`edgemnist bench` writes one.")


def to_document(
    found: results.Results, collection: Collection, split: Split, verdicts: tuple[str, ...]
) -> dict[str, Any]:
    """Return a benchmark as the JSON object that `Bench` describes."""
    measured = zip(found.rows, collection.measurements, strict=True)
    return _plain(
        Bench(
            schema_version=1,
            created=found.created,
            elapsed_secs=found.elapsed_secs,
            machine=Machine(**asdict(found.machine), load_before=found.load_before),
            plan=asdict(found.plan),
            images=found.images,
            images_sha256=found.images_sha256,
            labels=None if split.labels is None else _samples(split.labels),
            reference=found.reference,
            verdicts=verdicts,
            doubts=tuple(Doubt(one.code, one.case, one.text) for one in found.warnings),
            notes=found.notes,
            comparisons=tuple(
                Comparison(one.case.title, one.base.title, one.size_ratio, one.speed, one.parity)
                for one in found.comparisons
            ),
            rows=tuple(_row(row, one) for row, one in measured),
            devices=tuple(_device(row) for row in found.devices),
            signature=found.signature,
            data=found.data,
        )
    )


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Check a document and write it.

    Raises:
        ArtifactError: It is not as its type has it.
        OutputError: It cannot be written.
    """
    text = encode(document)
    REPORT.decode(text.encode(), path)
    write_text(path, text)


def read_document(path: Path) -> dict[str, Any]:
    """Read and check a `bench.json`.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is not JSON, not as its type has it, or written by a newer version.
    """
    try:
        return _plain(REPORT.read(path))
    except FileNotFoundError as error:
        raise ArtifactNotFoundError(
            f"no such file: {path}", fix="`edgemnist bench` writes bench.json."
        ) from error


def _plain(document: Bench) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(encode(document)))


def _row(row: metrics.ResultRow, measured: Measurement) -> Row:
    case = row.case
    classifies = metrics.output_of(measured.signature) == "classes"
    done = {number: one for number, one in measured.rounds.items() if one.status == MEASURED}
    return Row(
        file=case.name,
        engine=case.engine,
        format=case.format,
        precision=case.precision,
        size_bytes=case.size_bytes,
        sha256=case.sha256,
        status=cast("Status", row.status),
        reason=row.reason,
        figures=row.metrics and _shortened(row.metrics),
        predicted=_samples(class_indices(measured.outputs)) if row.metrics and classifies else None,
        rounds=tuple(_round(number, one.facts, one.arrays) for number, one in done.items() if one.facts),
    )


def _shortened(found: metrics.Metrics) -> metrics.Metrics:
    """Return metrics without a confusion that would fill the file: `labels` and `predicted` have it too."""
    accuracy = found.accuracy
    if accuracy is None or len(accuracy.confusion) <= MAX_CONFUSION:
        return found
    return replace(found, accuracy=replace(accuracy, confusion=()))


def _round(number: int, facts: Facts, arrays: dict[str, NDArray[Any]]) -> Round:
    samples = {name[:-3]: encode_array(array) for name, array in arrays.items() if name.endswith("_ns")}
    return convert(asdict(facts) | {"round": number, "samples_ns": samples}, Round)


def _device(row: DeviceRow) -> Device:
    outcome, device, run = row.outcome, row.outcome.device, row.outcome.run
    counts = run.answers.instructions if run else None
    return Device(
        file=outcome.model.source.name,
        sha256=outcome.model.sha256,
        target=device.name,
        title=device.title,
        compiler=(device.compiler, *device.flags),
        emulator=device.emulator,
        compiler_version=run.compiler if run else None,
        emulator_version=run.emulator if run else None,
        status=cast("Status", outcome.status),
        reason=outcome.reason,
        figures=row.metrics,
        predicted=None if row.predicted is None else _samples(row.predicted),
        instructions=None if counts is None else _samples(counts),
    )


def _samples(array: NDArray[Any]) -> Samples:
    return Samples(**encode_array(array))
