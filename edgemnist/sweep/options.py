"""What a point of a sweep is: the options of its training and of its export, by the names of their flags."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ..data.labels import read_class_names
from ..export.convert.activation_ranges import Calibrator, Method
from ..export.convert.options import IO_DTYPES, OPSETS, ExportOptions
from ..export.training.architectures import DENSE
from ..export.training.recipe import NOTEBOOK, Recipe, find_recipe
from ..proof.formats import MIXED, Format, find_format
from ..runtime.errors import require_one_of
from ..runtime.signature import InputKind, OutputKind, SignatureOptions

Seed = Annotated[int, Meta(ge=0, lt=2**32)]
Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
NotNegative = Annotated[float, Meta(ge=0)]
Numbers = float | tuple[float, ...]
Layers = str | tuple[str, ...]
_OF_TFLITE = ("int8.tflite", "int8.c", "int8.wasm", "int8.html")  # and what is made of that


class Training(Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[train]`: options of `edgemnist train`; None keeps the recipe's own value."""

    network: str = DENSE.name
    recipe: str = NOTEBOOK.name
    seed: Seed = 0
    epochs: Positive | None = None
    batch_size: Positive | None = None
    learning_rate: Annotated[float, Meta(gt=0)] | None = None

    def found_recipe(self) -> Recipe:
        """Return the recipe with the values that replace its own.

        Raises:
            OptionError: There is no such network or recipe, or a value is out of range.
        """
        given = {name: getattr(self, name) for name in ("epochs", "batch_size", "learning_rate")}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return replace(find_recipe(self.recipe, self.network), **changes)


class Export(Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[export]`: options of `edgemnist export`; None keeps its default.

    Attributes:
        model: A Keras model that is there already; None exports what was trained.
        keep_float: The layer or layers that stay float in mixed.tflite.
    """

    format: str = "int8.tflite"
    model: str | None = None
    calibration_samples: Positive | None = None
    calibration_method: Method = "minmax"
    percentile: Annotated[float, Meta(gt=0, le=100)] = 99.99
    keep_float: Layers = ()
    seed: Seed = 0
    io: str = IO_DTYPES[0]
    opset: int = OPSETS[0]
    batch: Annotated[int, Meta(ge=1, le=1)] | None = None
    input_kind: InputKind | None = None
    output_kind: OutputKind | None = None
    scale: Numbers | None = None
    offset: Numbers | None = None
    labels: str | None = None
    min_agreement: Share | None = None
    max_accuracy_drop: Share | None = None
    atol: NotNegative | None = None
    max_error: NotNegative | None = None

    @property
    def row(self) -> Format:
        """The format."""
        return find_format(self.format)

    def options(self) -> ExportOptions:
        """Return the options of the converters."""
        kept = (self.keep_float,) if isinstance(self.keep_float, str) else self.keep_float
        calibrator = Calibrator(self.calibration_method, self.percentile)
        return ExportOptions(opset=self.opset, io=self.io, calibrator=calibrator, keep_float=kept)

    def limits(self) -> dict[str, float | None]:
        """Return the limits of its proof that replace the format's own."""
        names = ("min_agreement", "max_accuracy_drop", "atol", "max_error")
        return {name: getattr(self, name) for name in names}

    def signature(self) -> SignatureOptions:
        """Return what is known of the model's signature."""
        labels = read_class_names(Path(self.labels)) if self.labels else None
        scale, offset = (
            (value,) if isinstance(value, float) else value for value in (self.scale, self.offset)
        )
        return SignatureOptions(self.input_kind, self.output_kind, scale, offset, labels)

    def checked(self) -> "Export":
        """Return these options with the format's full name.

        Raises:
            OptionError: A format, type or opset that there is not.
        """
        require_one_of("io", self.io, IO_DTYPES)
        self.options()
        return msgspec.structs.replace(self, format=self.row.name)

    def effective(self) -> "Export":
        """Return these options without those that change nothing of this format's file or proof."""
        row, defaults = self.row, Export()
        needless: dict[str, Any] = {}
        if not row.calibrated:
            needless |= {"calibration_samples": None, "seed": 0}
        if row.name not in _OF_TFLITE:
            needless["io"] = defaults.io
        if row.name not in (*_OF_TFLITE, MIXED.name):
            needless["calibration_method"] = defaults.calibration_method
        if row.name != MIXED.name:
            needless["keep_float"] = defaults.keep_float
        if needless.get("calibration_method", self.calibration_method) != "percentile":
            needless["percentile"] = defaults.percentile
        if row.format not in ("onnx", "ort"):
            needless["opset"] = defaults.opset
        return msgspec.structs.replace(self, **needless)


class Point(Struct, frozen=True, forbid_unknown_fields=True):
    """A point of a sweep: one artifact, and how it comes to be.

    Attributes:
        train: How its model is trained; None where `export.model` names one.
        export: How the model is exported.
    """

    train: Training | None
    export: Export


def key_of(document: Any) -> str:
    """Return the sha256 of a document, by which what was computed from it is found again."""
    plain = msgspec.to_builtins(document)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def title_of(point: Point) -> str:
    """Return what a point's model is called in messages."""
    if point.train is None:
        return Path(point.export.model or "").name
    default = Training()
    changed = {
        name: value
        for name, value in msgspec.to_builtins(point.train).items()
        if name in ("recipe", "seed") or value != getattr(default, name)
    }
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changed.items())
