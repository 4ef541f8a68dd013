"""The type of `bench.json`, from which its schema is generated.

Durations are nanoseconds, sizes bytes, shares 0 to 1, intervals [low, high] at 95 %. The keys are those of
schema version 1; unknown ones are ignored, since older versions measured more.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ...runtime.artifact.documents import DocumentType
from ..runner.processes import MEASURED
from .compact_arrays import Samples

_LARGEST_NS = 1e15  # eleven days
Share = Annotated[float, Meta(ge=0, le=1)]
Duration = Annotated[float, Meta(ge=0)]
Above0 = Annotated[float, Meta(gt=0)]
P50 = Annotated[float, Meta(gt=0, lt=_LARGEST_NS)]
Count = Annotated[int, Meta(ge=0)]
AtLeast1 = Annotated[int, Meta(ge=1)]
Name = Annotated[str, Meta(min_length=1)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Status = Literal["measured", "skipped", "failed"]
Interval = tuple[float, float] | None


class Doc(msgspec.Struct, frozen=True):
    """An object of the document."""


class Machine(Doc, frozen=True):
    """Where it was measured."""

    cpu: str
    architecture: str
    cores: AtLeast1
    system: str
    python: str
    governor: str | None
    virtual: bool | None
    versions: dict[str, str]
    load_before: float | None
    max_frequency_khz: int | None = None


class Ratio(Doc, frozen=True):
    """How many times as large one quantity is as another; it differs where the interval excludes 1."""

    value: Above0
    interval: Interval
    differs: bool


class Parity(Doc, frozen=True):
    """Outputs compared with a reference's on the same images."""

    accuracy: Share
    reference_accuracy: Share
    agreement: Share
    broke: Count
    fixed: Count
    flipped: tuple[Count, ...]
    max_abs_difference: Duration
    mean_abs_difference: Duration
    per_class_accuracy: tuple[float | None, ...]
    accuracy_interval: Interval
    reference_accuracy_interval: Interval
    difference_interval: Interval
    mcnemar_p: float | None
    images: AtLeast1 | None = None


class Comparison(Doc, frozen=True):
    """A row beside its base; ratios are the base's over the target's."""

    target: str
    base: str
    size_ratio: Above0
    speed: Ratio
    parity: Parity | None


class Latency(Doc, frozen=True):
    """How long calls took, all rounds together."""

    calls: AtLeast1
    p50_ns: P50
    p90_ns: Duration
    p99_ns: Duration
    min_ns: Duration
    mean_ns: Duration
    max_ns: Duration
    round_p50_ns: Annotated[tuple[P50, ...], Meta(min_length=1)]
    p50_interval_ns: Interval


class Throughput(Doc, frozen=True):
    """Images per second in batches of one size."""

    batch_size: AtLeast1
    images_per_sec: Above0
    calls: AtLeast1


class Memory(Doc, frozen=True):
    """Growth on load and while measuring, and the peak."""

    loaded_bytes: int
    measured_bytes: int
    peak_bytes: Count


class Accuracy(Doc, frozen=True):
    """On all test images; `confusion[true][predicted]` counts."""

    accuracy: Share
    accuracy_interval: Interval
    per_class_accuracy: tuple[float | None, ...]
    confusion: tuple[tuple[Count, ...], ...]


class Metrics(Doc, frozen=True):
    """What was measured of a row, see `edgemnist.benchmarks.analysis.metrics`."""

    start_ns: Duration
    import_ns: Duration
    load_ns: Duration
    first_ns: Duration
    end_to_end: Latency
    bare: Latency
    paused: Latency
    throughput: tuple[Throughput, ...]
    memory: Memory | None
    accuracy: Accuracy
    parity: Parity | None
    stable: bool
    cpus: tuple[Count, ...] | None
    clock_resolution_ns: AtLeast1
    empty_call_ns: Duration
    work_ns: tuple[Duration, ...]
    preemptions: int | None


class Round(Doc, frozen=True):
    """One process; `samples_ns` is in call order, see `edgemnist.benchmarks.worker.measure`."""

    round: Count
    start_ns: float
    import_ns: float
    load_ns: float
    first_ns: float
    cpus: tuple[Count, ...] | None
    clock: dict[str, float]
    work_ns: tuple[float, ...]
    input: str
    preemptions: int | None
    memory: dict[str, int | None]
    samples_ns: dict[str, Samples]


class Row(Doc, frozen=True):
    """A model on an engine; `predicted` is the class of each test image."""

    file: Name
    engine: Name
    format: str
    precision: str
    size_bytes: Count
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$(?!\n)")]
    status: Status
    reason: str
    figures: Metrics | None
    predicted: Samples | None
    rounds: tuple[Round, ...]

    def __post_init__(self) -> None:
        """Check what no field's type can."""
        _check_status(self)


class Footprint(Doc, frozen=True):
    """The memory of a model on a device; `ram_bytes` is the three before it together."""

    flash_bytes: AtLeast1
    static_ram_bytes: Count
    stack_bytes: Count
    buffer_bytes: Count
    ram_bytes: Count


class Instructions(Doc, frozen=True):
    """For one image's probabilities, as the emulator counts them; not cycles."""

    least: AtLeast1
    median: Annotated[float, Meta(ge=1)]
    most: AtLeast1


class DeviceMetrics(Doc, frozen=True):
    """What a model did on a device, see `edgemnist.benchmarks.emulation.metrics`."""

    images: AtLeast1
    accuracy: Share | None
    agreement: Share
    wrong_bytes: Count
    wrong_labels: Count
    self_test: Count
    exact: bool
    footprint: Footprint | None
    instructions: Instructions | None


class Device(Doc, frozen=True):
    """A model in C on an emulated device; `instructions` are of each test image."""

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
        """Check what no field's type can."""
        _check_status(self)


class Doubt(Doc, frozen=True):
    """A reason to distrust a row, "file (engine)", or all of them where `target` is empty."""

    code: str
    target: str
    text: str


class Bench(Doc, frozen=True):
    """What `edgemnist bench` measured; `labels` is the true class of each test image."""

    schema_version: Literal[1]
    created: str
    elapsed_secs: Duration
    machine: Machine
    plan: dict[str, Any]
    images: AtLeast1
    images_sha256: Sha256
    labels: Samples
    reference: str
    verdicts: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    notes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    rows: tuple[Row, ...]
    devices: tuple[Device, ...] = ()

    def __post_init__(self) -> None:
        """Check that two reports can be compared image by image."""
        for row in self.rows:
            if row.predicted is not None and row.predicted.count != self.images:
                raise ValueError(
                    f"{row.predicted.count} predictions of {row.file} ({row.engine}) for {self.images} images"
                )


def _check_status(row: Row | Device) -> None:
    complete = row.figures is not None and row.predicted is not None
    if complete != (row.status == MEASURED) or not (complete or row.reason):
        raise ValueError(f"figures of {row.file} do not fit the status {row.status!r}")


REPORT = DocumentType("a benchmark report", Bench, 1, "`edgemnist bench` writes one.")
