"""`sweep.json`: every point of a sweep, the frontier, and the best artifact for given limits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from msgspec import Struct

from ..runtime.artifact.documents import DocumentType
from .frontier import Costs, Limits, accuracy_of, best, frontier
from .measures import Measured, Memory
from .options import Export, Point, Training
from .results import PointRecord
from .run import Computed

_PARITY = ("accuracy", "accuracy_interval", "agreement", "broke", "fixed", "r2", "max_abs_difference")
PASSED, FAILED, ERROR = "passed", "failed", "error"


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A point and what became of it; None where something is not known.

    Attributes:
        key: The hash of all that decided what came of it; points of the same key are the same artifact.
        status: "passed", "failed" if its proof failed, "error" if it could not be made.
        failures: A sentence for each check that failed, or why it could not be made.
        artifact: The artifact's file name.
        sha256: Of the artifact.
        frontier: Whether no other point beats it.
    """

    key: str
    train: Training | None
    export: Export
    status: str
    failures: tuple[str, ...] = ()
    artifact: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    accuracy: float | None = None
    accuracy_interval: tuple[float, float] | None = None
    agreement: float | None = None
    broke: int | None = None
    fixed: int | None = None
    r2: float | None = None
    max_abs_difference: float | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    instructions: float | None = None
    engine: str | None = None
    latency_p50_ns: float | None = None
    latency_p90_ns: float | None = None
    frontier: bool = False


class SweepDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `sweep.json`.

    Attributes:
        dimensions: The values of each option that the sweep file lists.
        target: The processor that flash, RAM and instructions are for.
        code_counted: Whether flash has compiled code in it; False where no compiler is installed.
        data_sha256: Of the data set.
        limits: What the best artifact had to keep.
        points: All points, in the order of the grid.
        frontier: The keys of the points that no other one beats, the most accurate first.
        best: The key of the best point within the limits; None where none keeps them.
        machine: What latency was measured on; None where none was.
        notes: What could not be measured, and why.
    """

    schema_version: int
    dimensions: dict[str, list[object]]
    target: str
    code_counted: bool
    data_sha256: str
    versions: dict[str, str]
    limits: dict[str, float | None]
    points: tuple[Row, ...]
    frontier: tuple[str, ...]
    best: str | None
    machine: dict[str, object] | None = None
    notes: tuple[str, ...] = ()


SWEEP = DocumentType("a sweep's results", SweepDocument, 1, "Run `edgemnist sweep` again.")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The points that count: those that passed, what they cost, the frontier and the best."""

    costs: dict[str, Costs] = field(default_factory=dict)
    frontier: tuple[str, ...] = ()
    best: str | None = None


def choose(records: Mapping[str, PointRecord], memory: Mapping[str, Memory], limits: Limits) -> Chosen:
    """Choose the frontier, and the best point within the limits."""
    costs = {}
    for key, record in records.items():
        if record.failures or not record.files or record.size_bytes is None:
            continue
        taken = memory.get(key)
        costs[key] = Costs(
            accuracy_of(record.parity),
            record.size_bytes,
            taken.flash_bytes if taken else None,
            taken.ram_bytes if taken else None,
        )
    return Chosen(costs, tuple(frontier(costs)), best(costs, limits))


def rows(
    points: Sequence[tuple[str, Point]],
    computed: Computed,
    measured: Mapping[str, Measured],
    chosen: Chosen,
) -> tuple[Row, ...]:
    """Return a row for each point, in their order."""
    found = set(chosen.frontier)
    return tuple(
        _row(key, point, computed, measured.get(key, Measured()), frontier=key in found)
        for key, point in points
    )


def _row(key: str, point: Point, computed: Computed, measured: Measured, *, frontier: bool) -> Row:
    record = computed.records.get(key)
    if record is None:
        return Row(key, point.train, point.export, ERROR, (computed.errors.get(key, "it was not computed"),))
    known: dict[str, Any] = {}
    for source, names in (
        (record.parity, _PARITY),
        (measured.memory, ("flash_bytes", "ram_bytes")),
        (measured.latency, ("engine",)),
    ):
        known |= {name: getattr(source, name) for name in names if source is not None}
    if measured.instructions is not None:
        known["instructions"] = measured.instructions.median
    if measured.latency is not None:
        known["latency_p50_ns"], known["latency_p90_ns"] = measured.latency.p50_ns, measured.latency.p90_ns
    return Row(
        key,
        point.train,
        point.export,
        FAILED if record.failures else PASSED,
        record.failures,
        artifact=record.artifact or None,
        sha256=record.files.get(record.artifact),
        size_bytes=record.size_bytes,
        frontier=frontier,
        **known,
    )


def limits_document(limits: Limits) -> dict[str, float | None]:
    """Return limits as the document has them."""
    return asdict(limits)
