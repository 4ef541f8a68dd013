"""From a benchmark's results and measurements to the types of `bench.json`."""

from dataclasses import asdict, replace
from typing import Any, cast

from msgspec import convert
from numpy.typing import NDArray

from ...data.datasets import Split
from ...runtime.output_decoder import class_indices
from ..analysis import metrics, results
from ..emulation.collect import DeviceRow
from ..runner.collect import Collection, Measurement
from ..runner.processes import MEASURED
from ..worker.task import Facts
from .compact_arrays import Samples, encode_array
from .document import Bench, Comparison, Device, Doubt, Machine, Round, Row, Status, to_plain

MAX_CONFUSION = 64  # classes


def to_document(
    found: results.Results, collection: Collection, split: Split, verdicts: tuple[str, ...]
) -> dict[str, Any]:
    """Return a benchmark as the JSON object that `Bench` describes."""
    measured = zip(found.rows, collection.measurements, strict=True)
    return to_plain(
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
