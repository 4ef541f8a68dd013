"""What a benchmark feeds its models: a data set, the one on record, or random inputs that fit them."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec import UNSET

from ...data.datasets import Split, Wanted, class_names, load_test_split
from ...proof.inspect.structure import probe_structure
from ...proof.verify import recorded_test
from ...runtime.artifact.manifest import MANIFEST_NAME, read_manifest
from ...runtime.artifact.metadata import read_metadata
from ...runtime.assumed_signature import assumed_signature
from ...runtime.errors import EdgeMnistError
from ...runtime.files import read_model
from ...runtime.isolation.probe import Probe
from ...runtime.signature import InputSpec, ModelSignature
from ...runtime.tensors import TensorSpec, require_one

RANDOM_INPUTS, SEED = 256, 0
_READABLE = (".tflite", ".onnx", ".ort", ".keras")  # the last takes seconds to import
_IMAGE_AXES = (2, 3)


@dataclass(frozen=True, slots=True, eq=False)
class BenchInputs:
    """The inputs, and what is known of the model that gets them.

    Attributes:
        signature: As the manifest or the file itself has it; None where neither does.
        notes: What is missing because of the choice of inputs.
    """

    split: Split
    signature: ModelSignature | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Contract:
    """What a model file takes and gives; `told` where it says so itself, else read off its tensors."""

    file: str
    signature: ModelSignature
    tensor: TensorSpec
    told: bool


def find_inputs(folder: Path, files: Sequence[Path], data: Path | None) -> BenchInputs:
    """Return the inputs to measure models with.

    They are `data`; else what the manifest beside the models says they were proved on; else, for a model of
    digits, MNIST; else random.

    Args:
        folder: Of the artifacts, or of the first file.
        files: The model files, if not all of the folder are meant.
        data: The data set's path.

    Raises:
        ManifestError: The folder's manifest is damaged.
        ProofError: The same.
        DatasetError: The data set cannot be read; or it is the recorded one, and is missing or has changed.
    """
    candidates = list(files) or (sorted(folder.iterdir()) if folder.is_dir() else [])
    if os.path.lexists(folder / MANIFEST_NAME):
        manifest = read_manifest(folder)
        if manifest.dataset and (not files or any(file.name in manifest.files for file in files)):
            signature = None if manifest.signature is UNSET else manifest.signature
            return BenchInputs(recorded_test(folder, data), signature)
        candidates.insert(0, folder / manifest.model.file)
    candidates.sort(key=lambda path: path.suffix == _READABLE[-1])
    contract = _contract_among(candidates)
    signature = contract.signature if contract and contract.told else None
    if data is not None:
        return BenchInputs(load_test_split(data, _wanted(contract)), signature)
    mnist = load_test_split()
    if contract is None or _fits(contract.signature, mnist):
        return BenchInputs(mnist, signature)
    note = (
        f"The inputs are {RANDOM_INPUTS} random ones that fit {contract.file}, since no data set is on record"
        " for it and none was given with --data: latency and differences between files count."
    )
    return BenchInputs(_drawn(contract), signature, (note,))


def _contract_among(paths: Sequence[Path]) -> _Contract | None:
    """Return the contract of the first file that tells it, else of the one whose tensors show most of it."""
    found: _Contract | None = None
    for contract in filter(None, map(_contract_of, paths)):
        if contract.told:
            return contract
        if found is None or (contract.tensor.quantized and not found.tensor.quantized):
            found = contract
    return found


def _contract_of(path: Path) -> _Contract | None:
    """Return what a file takes and gives; None for what is no model that can be read here."""
    if path.suffix not in _READABLE and path.with_suffix(".tflite").is_file():
        path = path.with_suffix(".tflite")  # which the C beside it was made of
    if path.suffix not in _READABLE:
        return None
    try:
        structure = probe_structure(path, read_model(path), Probe(when="always"))
        taken, given = require_one(structure.inputs), require_one(structure.outputs)
        metadata = read_metadata(structure.metadata)
        if metadata is not None and metadata.signature is not None:
            return _Contract(path.name, metadata.signature, taken, told=True)
        return _Contract(path.name, assumed_signature(path.name, taken, given), taken, told=False)
    except EdgeMnistError:  # measuring it says the same, in its own row
        return None


def _wanted(contract: _Contract | None) -> Wanted:
    """Return what a model needs of a data set; what nobody told is left to the data set."""
    if contract is None:
        return Wanted()
    taken, given = contract.signature.input, contract.signature.output
    if not contract.told:
        return Wanted(output=given.kind)
    return Wanted(taken.shape, taken.kind, given.kind, given.labels)


def _fits(signature: ModelSignature, split: Split) -> bool:
    same_size = math.prod(signature.input.shape) == math.prod(split.input_shape)
    return same_size and signature.input.kind == split.kind and signature.output.labels == class_names(split)


def _drawn(contract: _Contract) -> Split:
    spec = contract.signature.input
    if spec.kind == "image" and len(spec.shape) not in _IMAGE_AXES:  # only assumed to be one
        spec = InputSpec("features", spec.shape)
    inputs = spec.draw(RANDOM_INPUTS, contract.tensor, np.random.default_rng(SEED))
    return Split(inputs, source=f"random numbers, seed {SEED}")
