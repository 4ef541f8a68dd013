"""Export: convert a model to each format, prove each file, and publish those that pass."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Dataset
from ..proof.artifact import Proof, prove
from ..proof.formats import SOURCE, Format
from ..proof.parity import Parity
from ..proof.reference import outputs_of
from ..runtime.artifact.folder import staging
from ..runtime.artifact.manifest import (
    ArtifactRecord,
    CalibrationRecord,
    DataRecord,
    ModelRecord,
    ParityRecord,
    TolerancesRecord,
)
from ..runtime.engines.registry import LIBRARY_SUFFIX
from ..runtime.errors import ConversionError, MissingCompilerError
from .codegen.compiler import libraries
from .convert.options import ExportOptions
from .convert.registry import convert, with_origins
from .convert.source import Source, tool_versions
from .publish import Origin, check_target, describe, publish
from .web.artifact import prove_with_data


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one format.

    Attributes:
        format: The format.
        failures: A sentence for each check that failed; empty where the artifact passed.
        record: The artifact's record; None where the conversion itself or the engine failed.
        parity: How its outputs compare with the source model's; None where it did not run.
        unavailable: Why it cannot be made of this model or on this machine; "" where it was.
    """

    format: Format
    failures: tuple[str, ...]
    record: ArtifactRecord | None = None
    parity: Parity | None = None
    unavailable: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the limits do not say of it."""
        return self.format.tolerances.notes(self.parity) if self.parity else ()


def export_all(
    source: Source,
    formats: Sequence[Format],
    dataset: Dataset,
    folder: Path,
    *,
    options: ExportOptions | None = None,
    data: DataRecord | None = None,
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
        data: Where the data set was.
        overwrite: Replace artifacts that were made from another model, on other data or by other tools.
        report: Called with each format's name before its conversion starts.

    Raises:
        OptionError: The folder holds artifacts of another model and `overwrite` is off.
        ManifestError: The folder holds a damaged manifest and `overwrite` is off.
        OutputError: The folder cannot be written.
    """
    model = ModelRecord(source.name, source.path.name, source.sha256)
    origin = Origin(source.path, model, dataset.sha256, tool_versions(), source.signature, data)
    check_target(folder, origin, overwrite=overwrite)
    reference = outputs_of(source.predictor, dataset.test)
    with staging(folder) as staged:
        outcomes = []
        for row in with_origins((SOURCE, *formats)):
            report(row.name)
            outcomes.append(_make(row, source, dataset, reference, staged, options or ExportOptions()))
        records = tuple(outcome.record for outcome in outcomes if outcome.record and not outcome.failures)
        publish(staged, folder, origin, {source.signature.output.name: reference}, records)
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
    except (ConversionError, MissingCompilerError) as error:
        return Outcome(row, (), unavailable=str(error))
    files = {path: converted.content}
    files |= {path.with_name(path.stem + ending): content for ending, content in converted.companions.items()}
    for file, content in files.items():
        file.write_bytes(content)
    built = next((file for file in files if file.suffix == LIBRARY_SUFFIX), None)
    structure = converted.structure
    compiled = libraries(path, built) if path.suffix in row.engine.sources else nullcontext()
    more: dict[str, Any] = {}
    batch = source.batch if row.spec.contract else None
    try:
        if converted.modules is not None:
            made = prove_with_data(converted.modules, row, reference, dataset.test, batch=batch)
            path.write_bytes(made.content)
            proof, more = made.proof, {"exactness": made.exactness, "compiler": converted.modules.compiler}
        else:
            with compiled as run:
                proof = prove(
                    path,
                    row,
                    reference,
                    dataset.test,
                    ours=True,
                    batch=batch,
                    structure=structure,
                    signature=None if row.spec.contract else source.signature,
                    files=run,
                )
    except (ConversionError, MissingCompilerError) as error:
        proof = Proof((str(error),), structure)
    calibration = source.calibration.record() if row.calibrated else None
    companions = [file for file in files if file != path]
    record = record_of(path, row, proof, calibration, companions, **more)
    if proof.failures:
        for failed in files:
            failed.unlink()
    return Outcome(row, proof.failures, record, proof.parity)


def record_of(
    path: Path,
    row: Format,
    proof: Proof,
    calibration: CalibrationRecord | None = None,
    companions: Sequence[Path] = (),
    **more: Any,
) -> ArtifactRecord | None:
    """Return the record of an artifact with `more` of its attributes, or None if it could not be run."""
    if not (proof.structure and proof.predictor and proof.parity and more.get("exactness", True)):
        return None
    return describe(
        path,
        proof.structure,
        kind=row.format,
        companions=companions,
        precision=row.precision,
        input=proof.predictor.input,
        output=proof.predictor.output,
        labels=proof.predictor.class_names,
        signature=proof.predictor.signature,
        calibration=calibration,
        parity=ParityRecord(**asdict(proof.parity)),
        tolerances=TolerancesRecord(**asdict(row.tolerances)),
        **more,
    )
