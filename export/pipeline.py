"""Export: convert a model to each format, prove each file, and publish those that pass."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Dataset
from ..proof.artifact import Proof, prove
from ..proof.formats import SOURCE, Format
from ..proof.parity import Parity
from ..runtime.artifact.folder import staging
from ..runtime.artifact.manifest import ArtifactRecord, ParityRecord, TolerancesRecord
from ..runtime.engines.registry import LIBRARY_SUFFIX
from ..runtime.errors import ConversionError, MissingCompilerError
from ..runtime.files import sha256_of
from .codegen.compiler import libraries
from .convert.options import ExportOptions
from .convert.registry import convert, with_origins
from .convert.source import Source
from .publish import check_target, publish


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one format.

    Attributes:
        format: The format.
        failures: A sentence for each check that failed; empty where the artifact passed.
        record: The artifact's record; None where the conversion itself or the engine failed.
        parity: How its outputs compare with the source model's; None where it did not run.
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
    """Convert, prove and publish a model in several formats, the source model among them.

    An artifact that fails is not published; the others are, and the manifest with them, all at once.

    Args:
        source: The model.
        formats: What to convert it to; what a file is made of is added where it is missing.
        dataset: The test images to prove it on.
        folder: Where the artifacts, the manifest and the reference go.
        options: Of the converters.
        overwrite: Replace artifacts that were made from another model, on other data or by other tools.
        report: Called with each format's name before its conversion starts.

    Returns:
        One outcome a format: the source model's own, then the others in order.

    Raises:
        OptionError: The folder holds artifacts of another model and `overwrite` is off.
        ManifestError: The folder holds a damaged manifest and `overwrite` is off.
        OutputError: The folder cannot be written.
    """
    check_target(folder, source, dataset, overwrite=overwrite)
    reference = source.predictor.predict(dataset.test.inputs).probabilities
    with staging(folder) as staged:
        outcomes = []
        for row in with_origins((SOURCE, *formats)):
            report(row.name)
            outcomes.append(_make(row, source, dataset, reference, staged, options or ExportOptions()))
        records = tuple(outcome.record for outcome in outcomes if outcome.record and not outcome.failures)
        publish(staged, folder, source, dataset, reference, records)
    return tuple(outcomes)


def _make(
    row: Format,
    source: Source,
    dataset: Dataset,
    reference: NDArray[np.float32],
    staged: Path,
    options: ExportOptions,
) -> Outcome:
    path = staged / row.file_name(source.name)
    try:
        converted = convert(row, source, options)
    except ConversionError as error:
        return Outcome(row, (str(error),))
    path.write_bytes(converted.content)
    companions = {
        path.with_name(path.stem + ending): content for ending, content in converted.companions.items()
    }
    for companion, content in companions.items():
        companion.write_bytes(content)
    built = next((companion for companion in companions if companion.suffix == LIBRARY_SUFFIX), None)
    structure = converted.structure
    compiled = libraries(path, built) if path.suffix in row.engine.sources else nullcontext()
    try:
        with compiled as files:
            proof = prove(path, row, reference, dataset.test, ours=True, structure=structure, files=files)
    except (ConversionError, MissingCompilerError) as error:
        proof = Proof((str(error),), structure)
    record = _record(path, row, source, proof, tuple(companions))
    if proof.failures:
        for failed in (path, *companions):
            failed.unlink()
    return Outcome(row, proof.failures, record, proof.parity)


def _record(
    path: Path, row: Format, source: Source, proof: Proof, companions: tuple[Path, ...]
) -> ArtifactRecord | None:
    if proof.structure is None or proof.predictor is None or proof.parity is None:
        return None
    return ArtifactRecord(
        file=path.name,
        format=row.format,
        precision=row.precision,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        input=proof.predictor.input,
        output=proof.predictor.output,
        labels=source.class_names,
        operators=proof.structure.operator_names,
        versions=proof.structure.versions,
        oldest_runtime=proof.structure.oldest_runtime,
        calibration=source.calibration.record() if row.calibrated else None,
        parity=ParityRecord(**asdict(proof.parity)),
        tolerances=TolerancesRecord(**asdict(row.tolerances)),
        companions={companion.name: sha256_of(companion) for companion in companions},
        companion_bytes={companion.name: companion.stat().st_size for companion in companions},
    )
