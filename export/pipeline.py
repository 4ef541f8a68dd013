"""Export: convert a model to each format, prove each file, and publish those that pass."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Dataset
from ..proof.artifact import Proof, prove
from ..proof.formats import SOURCE, Format
from ..proof.layers import compare_layers, first_spoiled_layer
from ..proof.layers.activations import WATCHED, of_keras, open_trace
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
from ..runtime.errors import ArtifactError, ConversionError, MissingCompilerError, MissingExtraError
from .codegen.compiler import libraries
from .convert.options import ExportOptions
from .convert.refusals import explained
from .convert.registry import convert, with_origins
from .convert.source import Source
from .publish import Origin, check_target, describe, publish
from .versions import tool_versions
from .web.artifact import prove_with_data

_COMPARED_ON = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one format.

    Attributes:
        format: The format.
        failures: A sentence for each check that failed; empty where the artifact passed.
        record: The artifact's record; None where the conversion itself or the engine failed.
        parity: How its outputs compare with the source model's; None where it did not run.
        unavailable: Why it cannot be made of this model or on this machine; "" where it was.
        choice: What the converter chose; "" where there was no choice.
    """

    format: Format
    failures: tuple[str, ...]
    record: ArtifactRecord | None = None
    parity: Parity | None = None
    unavailable: str = ""
    choice: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the limits do not say of it."""
        limits = self.format.tolerances.notes(self.parity) if self.parity else ()
        return (*([self.choice] if self.choice else []), *limits)


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
        row.engine.import_module()  # what nothing here can run, nothing here can prove
        converted = convert(row, source, options)
    except MissingExtraError as error:
        return Outcome(row, (), unavailable=str(error))
    except ConversionError as error:
        return Outcome(row, (), unavailable=explained(error, source.model, source.batch))
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
    except MissingCompilerError as error:
        for unproven in files:
            unproven.unlink()
        return Outcome(row, (), unavailable=str(error))
    except ConversionError as error:
        proof = Proof((str(error),), structure)
    calibration = source.calibration.record() if row.calibrated else None
    companions = [file for file in files if file != path]
    record = record_of(path, row, proof, calibration, companions, **more)
    failures = proof.failures
    if failures:
        failures += _spoiled(row, source, path, proof)
        for failed in files:
            failed.unlink()
    return Outcome(row, failures, record, proof.parity, choice=converted.note)


def _spoiled(row: Format, source: Source, path: Path, proof: Proof) -> tuple[str, ...]:
    """Return which layer spoils a quantized file that runs and fails, and what would help."""
    if not (row.calibrated and proof.parity and path.suffix in WATCHED):
        return ()
    keras = replace(of_keras(source.path.name, source.read()), signature=source.signature)
    artifact = open_trace(path, path.read_bytes())
    items = source.calibration.inputs[:_COMPARED_ON]
    try:
        found = first_spoiled_layer(compare_layers(keras, artifact, items, source.signature.input))
    except ArtifactError:  # no layer of it computes what one of the model does
        return ()
    return (str(found),) if found else ()


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
