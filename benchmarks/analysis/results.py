"""What a benchmark found: one row for each case, and how the rows compare."""

from dataclasses import dataclass
from importlib.util import find_spec

from ...data.datasets import Split
from ...proof.reference import Reference
from ...runtime.artifact.manifest import REFERENCE_NAME
from ...runtime.errors import EdgeMnistError
from ...runtime.signature import ModelSignature
from ..emulation.collect import DeviceRow
from ..runner.collect import Collection, Measurement
from ..runner.machine import Machine
from ..runner.plan import Plan
from ..runner.processes import FAILED, MEASURED
from .comparisons import Comparison, compare_rows
from .metrics import ResultRow, compute_metrics
from .warnings import BenchWarning, find_warnings


@dataclass(frozen=True, slots=True)
class Results:
    """A whole benchmark.

    Attributes:
        notes: What is missing from the metrics, and why.
        signature: What the model takes and gives, by the folder's manifest, else by the first case.
        data: Where the test inputs come from.
        images_sha256: Of the test inputs' unpacked IDX file.
        reference: What parity is against: a file's name, or "" where there is nothing.
        load_before: The machine's load average before collecting, or None where it is not known.
        created: When collecting began, in ISO 8601 with the zone.
    """

    rows: tuple[ResultRow, ...]
    comparisons: tuple[Comparison, ...]
    warnings: tuple[BenchWarning, ...]
    notes: tuple[str, ...]
    machine: Machine
    plan: Plan
    signature: ModelSignature | None
    data: str
    images: int
    images_sha256: str
    reference: str
    load_before: float | None
    elapsed_secs: float
    created: str
    devices: tuple[DeviceRow, ...] = ()

    @property
    def noun(self) -> str:
        """What goes into the model: "images" or "inputs"."""
        return "images" if self.signature is None or self.signature.input.kind == "image" else "inputs"

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class; none for values, and where nothing is known of the model."""
        return self.signature.output.labels if self.signature else ()


def compute(
    collection: Collection,
    split: Split,
    plan: Plan,
    machine: Machine,
    *,
    reference: Reference | None,
    created: str,
    signature: ModelSignature | None = None,
    notes: tuple[str, ...] = (),
    devices: tuple[DeviceRow, ...] = (),
) -> Results:
    """Compute all metrics of a collection.

    Without a `signature` it is that of the first case that was measured; `notes` are put before those on what
    is missing.
    """
    found = (one.signature for one in collection.measurements)
    signature = signature or next((one for one in found if one), None)
    rows = tuple(_row(measured, split, reference) for measured in collection.measurements)
    return Results(
        rows=rows,
        comparisons=compare_rows(rows, collection, split),
        warnings=find_warnings(rows, collection, machine, plan) if rows else (),
        notes=(*notes, *_notes(rows, split, reference)),
        machine=machine,
        plan=plan,
        signature=signature,
        data=split.source,
        images=len(split),
        images_sha256=split.inputs_sha256,
        reference=reference.file if reference else "",
        load_before=collection.load_before,
        elapsed_secs=collection.elapsed_secs,
        created=created,
        devices=devices,
    )


def _row(measured: Measurement, split: Split, reference: Reference | None) -> ResultRow:
    if measured.status != MEASURED:
        return ResultRow(measured.case, measured.status, measured.reason, None)
    try:
        metrics = compute_metrics(
            list(measured.rounds.values()), split, reference.outputs if reference else None
        )
    except EdgeMnistError as error:
        return ResultRow(measured.case, FAILED, str(error), None)
    return ResultRow(measured.case, MEASURED, "", metrics)


def _notes(rows: tuple[ResultRow, ...], split: Split, reference: Reference | None) -> tuple[str, ...]:
    notes = []
    if rows and reference is None:
        notes.append(
            f"Agreement with Keras is not known: there is no {REFERENCE_NAME} made from these test inputs,"
            " and no Keras row."
        )
    if rows and split.labels is None and split.targets is None:
        notes.append("There is no accuracy, since the test inputs have neither labels nor targets.")
    if rows and find_spec("scipy") is None:
        notes.append("There are no intervals, for scipy is not installed: pip install 'edgemnist[bench]'")
    if any(row.metrics and row.metrics.memory is None for row in rows):
        notes.append(
            "There are no memory metrics: they are read from /proc, which this system does not have."
        )
    return tuple(notes)
