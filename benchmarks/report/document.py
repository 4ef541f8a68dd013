"""`bench.json`: its type, from which its schema is generated, and how it is written and read.

It holds the metrics, everything they depend on, and the raw samples they were computed from. Durations are
nanoseconds, sizes bytes, shares 0 to 1, intervals [low, high] at 95 %. The keys are those of schema version
1; unknown ones are ignored, since older versions measured more.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct

from ...proof.parity import Parity
from ...runtime.artifact.documents import DocumentType, encode
from ...runtime.artifact.manifest import Count, Positive, Sha256
from ...runtime.errors import ArtifactNotFoundError
from ...runtime.files import write_text
from ...runtime.signature import ModelSignature
from ..analysis import metrics, statistics
from ..emulation.collect import DeviceMetrics
from ..runner import machine
from ..runner.processes import MEASURED
from ..worker.task import Facts
from .compact_arrays import Samples

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
        return to_plain(REPORT.read(path))
    except FileNotFoundError as error:
        raise ArtifactNotFoundError(
            f"no such file: {path}", fix="`edgemnist bench` writes bench.json."
        ) from error


def to_plain(document: Bench) -> dict[str, Any]:
    """Return a document as a JSON object."""
    return cast("dict[str, Any]", json.loads(encode(document)))
