"""Export: convert a model to each format, prove each file, and put only what holds into the folder."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..benchmarks.datasets import Dataset
from ..benchmarks.parity import Parity, compare
from ..runtime.errors import EdgeMnistError
from ..runtime.files import sha256_of
from ..runtime.loading import load_predictor
from ..runtime.manifest import ArtifactRecord
from ..runtime.structure import read_structure
from .formats import Format
from .formats.options import ExportOptions
from .publishing import check_target, publish
from .source import Source


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one format.

    Attributes:
        format: The format.
        failures: A sentence for each thing that does not hold; empty where the artifact is good.
        record: The artifact's record; None where the conversion itself failed.
        parity: How its answers compare with the source model's; None where it did not run.
    """

    format: Format
    failures: tuple[str, ...]
    record: ArtifactRecord | None = None
    parity: Parity | None = None


def export_all(
    source: Source,
    formats: Sequence[Format],
    dataset: Dataset,
    folder: Path,
    *,
    options: ExportOptions | None = None,
    overwrite: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Outcome, ...]:
    """Convert, prove and publish a model in several formats.

    An artifact that fails is not published; the others are, and the manifest with them.

    Args:
        source: The model.
        formats: What to make of it.
        dataset: The test images to prove it on.
        folder: Where the artifacts, the manifest and the reference go.
        options: What the converters are asked for.
        overwrite: Replace artifacts that were made from another model.
        report: Called with each format's name before its conversion starts.

    Returns:
        One outcome a format, in the order given.

    Raises:
        OptionError: The folder holds artifacts of another model and `overwrite` is off.
        OutputError: The folder cannot be written.
    """
    check_target(folder, source, overwrite=overwrite)
    reference = source.predictor.predict(dataset.test.images).probabilities
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as name:
        staging = Path(name)
        outcomes = []
        for row in formats:
            report(row.name)
            outcomes.append(_make(row, source, dataset, reference, staging, options or ExportOptions()))
        records = tuple(outcome.record for outcome in outcomes if outcome.record and not outcome.failures)
        publish(staging, folder, source, dataset, reference, records)
    return tuple(outcomes)


def _make(
    row: Format,
    source: Source,
    dataset: Dataset,
    reference: NDArray[np.float32],
    staging: Path,
    options: ExportOptions,
) -> Outcome:
    path = staging / f"{source.name}.{row.name}"
    try:
        path.write_bytes(row.convert(source, options))
        structure = read_structure(path)
        with load_predictor(path) as predictor:
            parity = compare(
                predictor.predict(dataset.test.images).probabilities, reference, dataset.test.labels
            )
    except EdgeMnistError as error:
        return Outcome(row, (str(error),))
    record = ArtifactRecord(
        file=path.name,
        format=row.format,
        precision=row.precision,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        input=predictor.input,
        output=predictor.output,
        labels=dataset.class_names,
        operators=structure.operator_names,
        versions=structure.versions,
        oldest_runtime=structure.oldest_runtime,
        calibration=source.calibration.record() if row.calibrated else None,
        parity=_parity_record(parity, len(dataset.test)),
    )
    return Outcome(row, row.faults(structure) + row.gates.broken_by(parity), record, parity)


def _parity_record(parity: Parity, images: int) -> dict[str, Any]:
    return {"images": images, **asdict(parity)}
