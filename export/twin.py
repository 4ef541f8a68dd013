"""A quantized model of anyone's, proven against its float twin as others are against their Keras model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from msgspec.structs import replace as replace_struct
from numpy.typing import NDArray

from ..data.datasets import Dataset
from ..proof.artifact import prove
from ..proof.formats import Format, find_format
from ..proof.inspect.structure import Structure, probe_structure
from ..proof.reference import outputs_of
from ..runtime.artifact.folder import staging
from ..runtime.artifact.manifest import ModelRecord
from ..runtime.artifact.metadata import read_metadata
from ..runtime.assumed_signature import assumed_signature
from ..runtime.errors import ArtifactError, OptionError
from ..runtime.files import read_model
from ..runtime.isolation.probe import Probe
from ..runtime.loading import load_predictor
from ..runtime.predictor import Predictor
from ..runtime.process import quiet
from ..runtime.signature import DEFAULT_PIXEL_SCALE, InputSpec, ModelSignature, OutputSpec, SignatureOptions
from .opening import DataOptions, fitting_data, record_of, require_known_classes
from .pipeline import Outcome
from .pipeline import record_of as artifact_record
from .publish import Origin, check_target, publish
from .tflite_source import tool_versions

_REFERENCES = {".tflite": "float32.tflite", ".onnx": "float32.onnx"}
_ENDINGS = (".int8", ".int8x8", ".quant", ".full_integer_quant", ".integer_quant", ".dynamic")
_ALWAYS = Probe(when="always")
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Twins:
    """A float model and the quantized one that should give the same, with what both are proven on.

    Attributes:
        reference: The predictor of the float file.
        outputs: Its outputs on the test set, (N, ...) float32.
        path: The quantized file.
        signature: Of the quantized file.
        structure: Of the quantized file.
        dataset: The data set.
        data: Where that was.
    """

    reference: Predictor
    outputs: NDArray[np.float32]
    path: Path
    signature: ModelSignature
    structure: Structure
    dataset: Dataset
    data: DataOptions


def open_twins(path: Path, reference: Path, data: DataOptions, wanted: SignatureOptions) -> Twins:
    """Load a quantized model, its float twin, and the data that both are proven on.

    What neither file nor `wanted` says of the signature is found by running the float model: outputs that sum
    to 1 are the probabilities of classes, others of as many classes as the data have are logits.

    Args:
        path: A `.tflite` file.
        reference: A `.tflite` or `.onnx` file.
        data: The data set.
        wanted: What is known of the signature.

    Raises:
        ArtifactError: A file is no such model, or the two have other ends.
        DatasetError: The data cannot be read or do not fit.
        OptionError: A file has the wrong suffix, or an option is out of range.
    """
    for name, file, suffixes in (
        ("--model", path, (".tflite",)),
        ("--reference", reference, (*_REFERENCES,)),
    ):
        if file.suffix not in suffixes:
            raise OptionError(
                f"{name} is of another format", received=file.name, expected=f"a {' or '.join(suffixes)} file"
            )
    with quiet():
        model = load_predictor(reference, probe=_ALWAYS, manifest=False)
    if model.input.quantized or model.output.quantized:
        raise ArtifactError(
            f"{reference.name} is quantized itself", expected="the float model that the other was made of"
        )
    dataset, signature = _fitting(model, data, wanted)
    model = model.with_signature(signature)
    require_known_classes(reference, signature.output, dataset)
    structure = probe_structure(path, read_model(path), _ALWAYS)
    quantized = _of_quantized(path, structure, signature, scaled_inside=model.input.dtype == "uint8")
    return Twins(model, _outputs(model, dataset), path, quantized, structure, dataset, data)


def export_twins(
    twins: Twins,
    folder: Path,
    *,
    limits: Mapping[str, float | None],
    overwrite: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Outcome, ...]:
    """Prove both files, and publish those that pass with their record and the float model's outputs.

    Raises:
        OptionError: The folder holds artifacts of another model and `overwrite` is off.
        ManifestError: The folder holds a damaged manifest and `overwrite` is off.
        OutputError: The folder cannot be written.
    """
    source, name = twins.reference.path, _name(twins.path)
    rows = _foreign(find_format(_REFERENCES[source.suffix])), _foreign(_format_of(twins.structure))
    model = ModelRecord(name, rows[0].file_name(name), twins.reference.sha256)
    signature, dataset = twins.reference.signature, twins.dataset
    data = record_of(twins.data, dataset)
    origin = Origin(source, model, dataset.sha256, tool_versions(), signature, data)
    check_target(folder, origin, overwrite=overwrite)
    outcomes = []
    with staging(folder) as staged:
        for row, file, own in zip(rows, (source, twins.path), (signature, twins.signature), strict=True):
            report(row.name)
            row = replace(row, tolerances=row.tolerances.replaced(**limits))  # noqa: PLW2901
            path = staged / row.file_name(name)
            path.write_bytes(read_model(file))
            structure = probe_structure(path, read_model(path), _ALWAYS)
            proof = prove(
                path,
                row,
                twins.outputs,
                dataset.test,
                ours=False,
                batch=structure.inputs[0].shape[0],
                structure=structure,
                signature=own,
            )
            outcomes.append(Outcome(row, proof.failures, artifact_record(path, row, proof), proof.parity))
            if proof.failures:
                path.unlink()
        records = tuple(outcome.record for outcome in outcomes if outcome.record and not outcome.failures)
        publish(staged, folder, origin, {signature.output.name: twins.outputs}, records)
    return tuple(outcomes)


def _fitting(model: Predictor, data: DataOptions, wanted: SignatureOptions) -> tuple[Dataset, ModelSignature]:
    """Return the data, and the signature of the float model."""
    own = read_metadata(model.engine.metadata)
    known = own.signature if own else None
    found = known or assumed_signature(model.path.name, model.input, model.output)
    if known is None:  # whether it gives classes is for the data to show
        found = replace_struct(found, output=OutputSpec("values", found.output.shape, (), "none"))
    dataset, kind = fitting_data(data, found, wanted)
    inputs = _input(found.input, model, dataset, wanted, own=known is not None)
    if known is not None:
        names = wanted.labels or known.output.labels
        output = replace_struct(known.output, labels=names) if known.output.labels else known.output
        return dataset, ModelSignature(inputs, output)
    outputs = _outputs(model.with_signature(replace_struct(found, input=inputs)), dataset)
    names = wanted.labels or dataset.test.class_names
    return dataset, ModelSignature(inputs, _output(outputs, kind, names, wanted))


def _outputs(model: Predictor, dataset: Dataset) -> NDArray[np.float32]:
    with quiet():  # LiteRT announces its kernels
        return outputs_of(model, dataset.test)


def _input(
    spec: InputSpec, model: Predictor, dataset: Dataset, wanted: SignatureOptions, *, own: bool
) -> InputSpec:
    kind = dataset.test.kind
    if own and wanted.scale is wanted.offset is None and kind == spec.kind:
        return spec
    raw = kind == "features" or model.input.dtype == "uint8" or wanted.offset is not None
    scale = wanted.scale or ((1.0,) if raw else (DEFAULT_PIXEL_SCALE,))
    return InputSpec(kind, spec.shape, scale, wanted.offset or (0.0,))


def _output(
    outputs: NDArray[np.float32], kind: str, names: tuple[str, ...], wanted: SignatureOptions
) -> OutputSpec:
    shape = outputs.shape[1:]
    shares = bool(outputs.min() >= 0 and outputs.max() <= 1)
    to_one = shares and len(shape) == 1 and np.allclose(outputs.sum(axis=1), 1, atol=_SUM_TOLERANCE)
    if wanted.output_kind is None and to_one and shape != (1,):
        kind = "classes"
    if kind == "values" or len(shape) != 1:
        return OutputSpec("values", shape, (), "none")
    classes = 2 if shape == (1,) else shape[0]
    labels = names or tuple(map(str, range(classes)))
    if to_one and shape != (1,):
        return OutputSpec("classes", shape, labels, "softmax")
    return OutputSpec("classes", shape, labels, "sigmoid" if shares else "logits")


def _of_quantized(
    path: Path, structure: Structure, reference: ModelSignature, *, scaled_inside: bool
) -> ModelSignature:
    """Return the quantized file's signature: its own, or the float twin's, whose meaning it must have."""
    ends = structure.inputs, structure.outputs
    if [len(tensors) for tensors in ends] != [1, 1]:
        raise ArtifactError(
            f"{path.name} has several inputs or outputs",
            received=f"{len(ends[0])} inputs and {len(ends[1])} outputs",
            expected="one of each",
        )
    assumed = assumed_signature(path.name, ends[0][0], ends[1][0])
    if (assumed.input.shape, assumed.output.shape) != (reference.input.shape, reference.output.shape):
        raise ArtifactError(
            f"{path.name} is not the quantized form of the reference",
            received=f"input {assumed.input.shape}, output {assumed.output.shape}",
            expected=f"input {reference.input.shape}, output {reference.output.shape}, as the reference has",
            fix="Convert both from the same model, in the same layout (channels last).",
        )
    metadata = read_metadata(structure.metadata)
    if metadata is not None and metadata.signature is not None:
        return metadata.signature
    if scaled_inside and ends[0][0].quantized:
        return replace_struct(reference, input=assumed.input)
    return reference


def _format_of(structure: Structure) -> Format:
    """Return the format that a quantized file is nearest to: integers only, or with floats between."""
    integers = all(np.dtype(tensor.dtype).kind in "iub" for tensor in structure.tensors)
    if integers:
        return find_format("int8.tflite")
    sixteen = any(tensor.dtype == "int16" for tensor in structure.tensors)
    return find_format("int16x8.tflite" if sixteen else "dynamic.tflite")


def _foreign(row: Format) -> Format:
    return replace(row, spec=replace(row.spec, contract=False))


def _name(path: Path) -> str:
    name = path.stem
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name.lstrip(".") or "model"
