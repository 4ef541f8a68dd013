"""The manifest: the one record of an artifact folder that a predictor and a reviewer need."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from ..errors import ManifestError
from ..signature import ModelSignature
from ..tensors import TensorSpec
from .documents import DocumentType

MANIFEST_NAME = "manifest.json"
REFERENCE_NAME = "reference.npz"
SCHEMA_VERSION: Literal[1] = 1

# A `$` of Python's also matches before a line break at the end.
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]
FileName = Annotated[str, Meta(pattern=r"^[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*$(?!\n)")]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Difference = Annotated[float, Meta(ge=-1, le=1)]
Interval = tuple[Difference, Difference]
NotNegative = Annotated[float, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
_DTYPES = ("uint8", "int8", "int16", "float16", "float32")
_TEST_INPUTS = ("test_images", "test_features")
_FIX = "Export the artifacts again."


class ModelRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The source model: its name, file and sha256."""

    name: Annotated[str, Meta(min_length=1)]
    file: FileName
    sha256: Sha256


class ReferenceRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The file of the source model's outputs on the test set, and its sha256."""

    file: FileName
    sha256: Sha256


class SplitRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """How a data set without a test part of its own was split; see `data.splits.SeededSplit`."""

    seed: Count
    test_share: Share
    indices_sha256: Sha256


class DataRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the data set was.

    Attributes:
        path: An absolute path; None for MNIST, which is bundled.
        resize: Whether its pictures were resized to the model's input.
        seeded: How its test part was drawn, if it was.
    """

    path: str | None
    resize: bool = False
    seeded: SplitRecord | None = None


class CalibrationRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What an artifact was calibrated on: items of the training split, drawn with `seed`."""

    split: Literal["train"]
    samples: Positive
    samples_per_class: tuple[Count, ...]
    seed: Count
    indices_sha256: Sha256


class ParityRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """How an artifact's outputs compare with the source model's on the whole test set; see `proof.parity`."""

    images: Positive
    accuracy: Share | None
    reference_accuracy: Share | None
    agreement: Share | None
    broke: Count | None
    fixed: Count | None
    flipped: tuple[Count, ...]
    max_abs_difference: NotNegative
    mean_abs_difference: NotNegative
    per_class_accuracy: tuple[Share | None, ...]
    accuracy_interval: Interval | None
    reference_accuracy_interval: Interval | None
    difference_interval: Interval | None
    mcnemar_p: Share | None
    rms_difference: NotNegative | None = None
    output_range: NotNegative | None = None
    sure_images: Count | None = None
    sure_agreement: Share | None = None
    flipped_margin: Share | None = None
    r2: float | None = None
    reference_r2: float | None = None


class TolerancesRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The limits that the comparison kept; see `proof.tolerances`."""

    min_agreement: Share | None
    max_accuracy_drop: Share | None
    atol: NotNegative | None
    decided: NotNegative | None = None
    max_error: NotNegative | None = None
    max_rms_error: NotNegative | None = None


class ExactnessRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """On which inputs every output byte of C is the runtime's; see `export.codegen.exactness`."""

    runtime: Literal["litert", "tflm"]
    random_inputs: Positive
    seed: Count
    test_images: Count
    output_bytes: Positive

    @property
    def sentence(self) -> str:
        """What was compared, for people."""
        images = f" and {self.test_images:,} test images" if self.test_images else ""
        return (
            f"all {self.output_bytes:,} bytes for {self.random_inputs:,} random inputs{images}"
            f" are those of {self.runtime}"
        )


class ArtifactRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What is on record for one artifact.

    Attributes:
        format: Its file format, such as "tflite".
        precision: Its precision, such as "int8".
        labels: The class names, in the order of the outputs; none for a model whose classes nobody named.
        operators: The names of the operators it needs, each once.
        versions: The versions of its format, such as opset and IR version.
        oldest_runtime: The oldest runtime release that loads it.
        parity: None for a model without a test set.
        companions: The files that belong to it, and their sha256.
        exactness: For WebAssembly, and for C of anybody's TFLite file.
        compiler: For WebAssembly, what compiled it, with its version.
        signature: What goes in and comes out; a record of the first edition has none.
    """

    file: FileName
    format: str
    precision: str
    sha256: Sha256
    size_bytes: Positive
    input: TensorSpec
    output: TensorSpec
    labels: tuple[str, ...]
    operators: tuple[str, ...]
    versions: dict[str, int]
    oldest_runtime: str
    calibration: CalibrationRecord | None
    parity: ParityRecord | None
    tolerances: TolerancesRecord | None = field(name="gates")
    companions: dict[FileName, Sha256]
    companion_bytes: dict[FileName, Count] = field(default_factory=dict)
    exactness: ExactnessRecord | UnsetType = UNSET
    compiler: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    signature: ModelSignature | UnsetType = UNSET

    def __post_init__(self) -> None:
        for tensor in (self.input, self.output):
            sizes = [1 if size is None else size for size in tensor.shape or (0,)]
            if tensor.dtype not in _DTYPES or min(sizes) < 1 or not tensor.scale >= 0:
                raise ManifestError(f"{tensor} is not the input or output of an artifact")
        if self.signature and self.signature.output.labels != self.labels:
            raise ManifestError(f"{self.file} has other labels than its signature")


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The record of an artifact folder.

    Attributes:
        dataset: The sha256 of each part of the data set, as unpacked IDX files; empty for anybody's TFLite
            file, whose artifacts then have neither parity nor tolerances.
        tools: The versions of what made the artifacts.
        artifacts: The artifacts, one record each.
        schema_version: The version of this record's own format.
        data: Where the data set was; none for anybody's TFLite file, and in a record of the first edition.
        signature: Of the source model; none in a record of the first edition.
    """

    model: ModelRecord
    dataset: dict[str, Sha256]
    reference: ReferenceRecord
    tools: dict[str, str]
    artifacts: tuple[ArtifactRecord, ...]
    schema_version: Literal[1]
    data: DataRecord | UnsetType = UNSET
    signature: ModelSignature | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.dataset and not self.dataset.keys() & {*_TEST_INPUTS}:
            raise ManifestError(f"the data set has none of {', '.join(_TEST_INPUTS)}")
        for record in self.artifacts:
            if {record.parity is not None, record.tolerances is not None} != {bool(self.dataset)}:
                raise ManifestError(
                    f"{record.file} must have parity and tolerances if there is a data set, else none"
                )
        # Of two records of one file only one could be right.
        names = [MANIFEST_NAME, self.reference.file]
        for record in self.artifacts:
            names += [record.file, *record.companions]
        if self.model.file not in {record.file for record in self.artifacts}:
            names.append(self.model.file)
        counts = Counter(name.casefold() for name in names)  # macOS and Windows take both cases for one file
        twice = [name for name in dict.fromkeys(names) if counts[name.casefold()] > 1]
        if twice:
            raise ManifestError(f"it records a file more than once: {', '.join(twice)}")

    @property
    def files(self) -> dict[str, str]:
        """The sha256 of each file of the set but the manifest itself, by its name."""
        files = {self.model.file: self.model.sha256, self.reference.file: self.reference.sha256}
        for record in self.artifacts:
            files |= {record.file: record.sha256, **record.companions}
        return files


MANIFEST = DocumentType("a manifest", Manifest, SCHEMA_VERSION, _FIX, ManifestError)


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest; ManifestError if it is missing, damaged or written by a newer version."""
    try:
        return MANIFEST.read(folder / MANIFEST_NAME, inside=folder)
    except FileNotFoundError as error:
        raise ManifestError(
            f"no {MANIFEST_NAME} in {folder}",
            fix="`edgemnist export --int8` makes the artifacts and their manifest.",
        ) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Check a manifest and write it to its folder."""
    MANIFEST.write(folder / MANIFEST_NAME, manifest, indent=2)
