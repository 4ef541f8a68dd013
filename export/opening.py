"""The model and the data of an export, brought together: each shows what the other leaves open."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace as replace_struct

from ..data.datasets import Dataset, Wanted, load_test_split
from ..proof.accuracy import Accuracy, score
from ..proof.formats import Format
from ..proof.reference import outputs_of
from ..proof.tolerances import REFERENCE, Tolerances
from ..runtime.artifact.manifest import DataRecord, SplitRecord
from ..runtime.errors import ArtifactError, DatasetError
from ..runtime.predictor import Predictor
from ..runtime.signature import KNOWN_SCALINGS, ModelSignature, OutputSpec, SignatureOptions
from .calibration import choose_calibration
from .convert.source import Source, load_model
from .training.data import load_train_split
from .training.network import is_bundled

_ENOUGH_IMAGES = 1000  # to tell a right scale from a wrong one
_CHANCE_DEVIATIONS = 3


@dataclass(frozen=True, slots=True)
class DataOptions:
    """Which data a model is proven on.

    Attributes:
        path: Of the data set; None is MNIST.
        resize: Whether pictures are resized to the model's input.
    """

    path: Path | None = None
    resize: bool = False


def open_source(
    path: Path,
    data: DataOptions,
    wanted: SignatureOptions,
    *,
    calibration_samples: int | None = None,
    seed: int = 0,
    batch: int | None = None,
) -> tuple[Source, Dataset]:
    """Load a Keras model and its data.

    Args:
        path: A `.keras` or `.h5` file.
        data: The data set.
        wanted: What is known of the model's signature.
        calibration_samples: As `choose_calibration` has it.
        seed: Of the choice of calibration items.
        batch: The size of every artifact's batch; None is any.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is not a Keras model of one input and one output, or not what is wanted.
        DatasetError: The data cannot be read or do not fit the model.
        OptionError: The scale or the number of calibration samples is out of range.
    """
    predictor = load_model(path, wanted)
    dataset, kind = fitting_data(data, predictor.signature, wanted)
    names = wanted.labels or dataset.test.class_names or None
    ink = data.path is None  # MNIST
    known = _completed(wanted, input_kind=dataset.test.kind, output_kind=kind, labels=names, ink=ink)
    signature = predictor.engine.infer_signature(path.name, known)  # type: ignore[attr-defined]
    predictor = predictor.with_signature(signature)
    output = signature.output
    require_known_classes(path, output, dataset)
    calibration = choose_calibration(dataset.train, output.classes, calibration_samples, seed)
    return Source(path, predictor.sha256, predictor, calibration, batch), dataset


def require_known_classes(path: Path, output: OutputSpec, dataset: Dataset) -> None:
    """Raise ArtifactError if the data have a class that a model does not give."""
    if output.kind != "classes" or dataset.test.labels is None:
        return
    largest = max(int(part.known_labels.max()) for part in (dataset.train, dataset.test))
    if largest >= output.classes:
        raise ArtifactError(
            f"{path.name} has another number of classes than the data set",
            received=f"labels up to {largest}",
            expected=f"0 to {output.classes - 1}, the model's {output.classes} classes",
            fix="Give the data that the model was trained on: --data PATH.",
        )


def record_of(data: DataOptions, dataset: Dataset) -> DataRecord:
    """Return what the manifest says of where the data were."""
    drawn = dataset.test.seeded
    seeded = SplitRecord(drawn.seed, drawn.test_share, drawn.indices_sha256) if drawn else None
    return DataRecord(None if data.path is None else str(data.path.resolve()), data.resize, seeded)


def near_chance(found: Accuracy, classes: int) -> bool:
    """Whether a model is hardly better than one that always gives the most frequent class."""
    totals = [sum(row) for row in found.confusion]
    count = sum(totals)
    chance = max(max(totals) / count, 1 / classes)
    return found.accuracy <= chance + _CHANCE_DEVIATIONS * float(np.sqrt(chance * (1 - chance) / count))


def better_scalings(predictor: Predictor, dataset: Dataset) -> Iterator[tuple[float, float, float]]:
    """Yield each usual scale and offset of images by which the model is better, with its accuracy then."""
    spec = predictor.signature.input
    labels = dataset.test.labels
    if spec.kind != "image" or labels is None:
        return
    some = dataset.test.select(np.arange(min(len(labels), _ENOUGH_IMAGES)))
    accuracy = score(outputs_of(predictor, some), some.known_labels).accuracy
    for scale, offset in KNOWN_SCALINGS:
        if (spec.scale, spec.offset) == ((scale,), (offset,)):
            continue
        scaled = predictor.signature.with_scaling(scale, offset)
        other = score(outputs_of(predictor.with_signature(scaled), some), some.known_labels).accuracy
        if other > accuracy:
            yield scale, offset, other


def _completed(options: SignatureOptions, **known: Any) -> SignatureOptions:
    """Return options with what is known now where they were open."""
    still_open = {name: value for name, value in known.items() if getattr(options, name) is None}
    return replace_struct(options, **still_open)


def fitting_data(
    data: DataOptions, signature: ModelSignature, wanted: SignatureOptions
) -> tuple[Dataset, str]:
    """Return the data, and whether they and the model are of classes or of values.

    A model that ends in plain numbers gives the logits of classes if the data have labels of that many
    classes, else values. Raises DatasetError for data that do not fit.
    """
    spec = Wanted(
        signature.input.shape, wanted.input_kind, resize=data.resize, class_names=wanted.labels or ()
    )
    kind = wanted.output_kind or signature.output.kind
    if kind == "values" and wanted.output_kind is None and len(signature.output.shape) == 1:
        classes = 2 if signature.output.shape == (1,) else signature.output.shape[0]
        try:
            test = load_test_split(data.path, spec)
        except DatasetError:
            pass
        else:
            if test.labels is not None and int(test.labels.max()) < classes:
                kind = "classes"
    asked = replace(spec, output=kind)
    train = load_train_split(data.path, asked)
    return Dataset(train, load_test_split(data.path, asked)), kind


def tolerances_of(row: Format, source: Source) -> Tolerances:
    """Return how far a format's outputs may lie from the model's: less far for the bundled network."""
    return REFERENCE[row.tolerances] if is_bundled(source.model) else row.tolerances
