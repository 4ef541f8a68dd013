"""The signature: what the numbers that go into a model and come out of it mean.

It is in the manifest and inside every artifact. Nothing else knows how raw input becomes what the model was
trained on, or what its outputs are.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from .errors import ArtifactError, OptionError
from .tensors import TensorSpec, to_real

PIXEL_VALUES = 256  # of a uint8
# What a full pixel is in most networks that were trained on images without a scaling layer of their own.
DEFAULT_PIXEL_SCALE = 1 / (PIXEL_VALUES - 1)
Axis = Annotated[int, Meta(ge=1)]
Numbers = tuple[float, ...]
InputKind = Literal["image", "features"]
OutputKind = Literal["classes", "values"]
# The scales and offsets of pixels that most networks were trained with: to [0, 1], not at all, to [-1, 1].
KNOWN_SCALINGS = ((DEFAULT_PIXEL_SCALE, 0.0), (1.0, 0.0), (2 * DEFAULT_PIXEL_SCALE, -1.0))


class InputSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One raw item that goes into a model, and how it becomes what the Keras model was trained on.

    The Keras model receives `raw * scale + offset`.

    Attributes:
        kind: "image": raw is uint8, 0..255; "features": raw is float32.
        shape: Of one item: `(H, W)` or `(H, W, C)` for an image, any for features.
        scale: One number, or one for each entry of the last axis.
        offset: The same.
        ink: Whether images are light ink on dark background, as MNIST's, so that pictures are fitted and
            centred as these were.
    """

    kind: InputKind
    shape: tuple[Axis, ...]
    scale: Numbers = (1.0,)
    offset: Numbers = (0.0,)
    ink: bool = False

    def __post_init__(self) -> None:
        if not self.shape:
            raise OptionError("an input without axes", received=self.shape, expected="one axis or more")
        for name, numbers in (("scale", self.scale), ("offset", self.offset)):
            if len(numbers) not in (1, self.shape[-1]) or not np.isfinite(numbers).all():
                raise OptionError(
                    f"the {name} does not fit an input of shape {self.shape}",
                    received=f"{len(numbers)} numbers: {numbers}",
                    expected=f"1 finite number, or {self.shape[-1]}, one for each entry of the last axis",
                )
        if 0 in self.scale:
            raise OptionError("a scale of 0 erases the input", received=self.scale)

    @property
    def name(self) -> str:
        """The tensor's name in every artifact."""
        return "image" if self.kind == "image" else "features"

    @property
    def raw_dtype(self) -> str:
        """The numpy name of the element type of raw items."""
        return "uint8" if self.kind == "image" else "float32"

    @property
    def is_scaled(self) -> bool:
        """Whether the Keras model receives other numbers than the raw ones."""
        return set(self.scale) != {1.0} or set(self.offset) != {0.0}

    @property
    def is_uniform(self) -> bool:
        """Whether all numbers of an item are scaled alike."""
        return len(set(self.scale)) == len(set(self.offset)) == 1

    def scaled(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return what the Keras model receives for raw items, float32 of the same shape."""
        if not self.is_scaled:
            return raw.astype(np.float32, copy=False)
        # In float64, so that a pixel times 1/255 is the float32 nearest to pixel/255.
        scaled: NDArray[np.float64] = raw * np.array(self.scale) + np.array(self.offset)
        return scaled.astype(np.float32)

    def pixel_table(self, tensor: TensorSpec) -> NDArray[Any] | None:
        """Return what an input tensor gets for each pixel value, or None where pixels go in as they are.

        Returns:
            `(256,)`, or `(256, C)` where channels differ, of the tensor's dtype.

        Raises:
            ArtifactError: The input is of a dtype that no pixel can be turned into.
        """
        pixels = np.arange(PIXEL_VALUES, dtype=np.float64)
        if not self.is_uniform:
            pixels = np.repeat(pixels[:, None], self.shape[-1], axis=1)
        if np.dtype(tensor.dtype) == np.uint8 and not tensor.quantized:
            return None
        table = _to_tensor(pixels * np.array(self.scale) + np.array(self.offset), tensor)
        return None if table.dtype == np.uint8 and np.array_equal(table, pixels) else table

    def encoder(self, tensor: TensorSpec) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """Return the function from raw items to an engine's input tensor, its constants computed once.

        Raises:
            ArtifactError: The input is of a dtype that no item can be turned into.
        """
        if self.kind == "image":
            table = self.pixel_table(tensor)
            if table is None:
                return _as_it_is
            if table.ndim == 1:
                return table.__getitem__
            channels = np.arange(self.shape[-1])
            return lambda raw: table[raw, channels]
        if tensor.dtype == "float32" and not self.is_scaled:
            return _as_it_is
        _require_real(tensor)
        return lambda raw: _to_tensor(self.scaled(raw), tensor)

    def encode(self, raw: NDArray[Any], tensor: TensorSpec) -> NDArray[Any]:
        """Return raw items as an engine's input tensor: scaled, then quantized if the tensor is.

        Raises:
            ArtifactError: The input is of a dtype that no item can be turned into.
        """
        return self.encoder(tensor)(raw)

    def draw(self, count: int, tensor: TensorSpec, rng: "np.random.Generator") -> NDArray[Any]:
        """Return random raw items, `(count, *shape)`: pixels, or features within what the tensor can hold."""
        if self.kind == "image":
            return rng.integers(0, PIXEL_VALUES, (count, *self.shape), np.uint8)
        if not tensor.quantized:
            return rng.standard_normal((count, *self.shape), np.float32)
        limits = np.iinfo(tensor.dtype)
        ends = to_real(np.array([limits.min, limits.max], tensor.dtype), tensor)
        drawn = rng.uniform(float(ends[0]), float(ends[1]), (count, *self.shape))
        raw: NDArray[np.float64] = (drawn - np.array(self.offset)) / np.array(self.scale)
        return raw.astype(np.float32)


class OutputSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What comes out of a model for one item.

    Attributes:
        kind: "classes": a probability for each class; "values": numbers of any meaning, as in a regression.
        shape: Of one item's output: `(classes,)` for classes, any for values.
        labels: The class names in the order of the outputs; none for values. One sigmoid output has two:
            those of 0 and of 1.
        activation: How the Keras model ends: "softmax", "sigmoid", "logits" (artifacts add the softmax), or
            "none" for values.
    """

    kind: OutputKind
    shape: tuple[Axis, ...]
    labels: tuple[str, ...] = ()
    activation: Literal["softmax", "sigmoid", "logits", "none"] = "softmax"

    def __post_init__(self) -> None:
        if self.kind == "values":
            if self.labels or self.activation != "none":
                raise OptionError("values have no labels and no activation", received=self)
            return
        if len(self.shape) != 1:
            raise OptionError(
                "classes with another shape than one axis", received=self.shape, expected="one number a class"
            )
        classes = len(self.labels)
        if self.activation == "none" or classes != self.classes:
            raise OptionError(
                "the labels do not fit the model's outputs",
                received=f"{classes} labels for an output of shape {self.shape} with {self.activation}",
                expected=f"{self.classes} labels",
            )

    @property
    def name(self) -> str:
        """The tensor's name in every artifact."""
        return "probabilities" if self.kind == "classes" else "values"

    def with_probabilities(self) -> "OutputSpec":
        """Return the spec of the output once its logits have become probabilities."""
        return OutputSpec(self.kind, self.shape, self.labels, "sigmoid" if self.shape == (1,) else "softmax")

    @property
    def is_binary(self) -> bool:
        """Whether one number is the probability of the second of two classes."""
        return self.kind == "classes" and self.shape == (1,)

    @property
    def classes(self) -> int:
        """The number of classes; 0 for values."""
        if self.kind == "values":
            return 0
        return 2 if self.is_binary else self.shape[0]


class SignatureOptions(Struct, frozen=True):
    """What a user knows of a Keras model's signature; what is None is read off the model's layers.

    Attributes:
        input_kind: "image" or "features"; None: an image where the shape is one's.
        output_kind: "classes" or "values"; None: classes where the last layer gives probabilities.
        scale: What raw input is multiplied with. None: 1 where the model scales its input itself, or takes
            features; 1/255 for images.
        offset: What is added then. None: 0.
        labels: The class names; None calls classes by their numbers.
        ink: Whether images are of ink, as MNIST's. None: images without channels are, as in the first
            edition.
    """

    input_kind: InputKind | None = None
    output_kind: OutputKind | None = None
    scale: Numbers | None = None
    offset: Numbers | None = None
    labels: tuple[str, ...] | None = None
    ink: bool | None = None


class ModelSignature(Struct, frozen=True, forbid_unknown_fields=True):
    """What goes into a model and what comes out of it.

    Attributes:
        input: Its one input.
        output: Its one output.
    """

    input: InputSpec
    output: OutputSpec

    def with_scaling(self, scale: float, offset: float) -> "ModelSignature":
        """Return this signature with another scaling of its input."""
        return replace(self, input=replace(self.input, scale=(scale,), offset=(offset,)))

    def with_labels(self, labels: tuple[str, ...]) -> "ModelSignature":
        """Return this signature with other class names."""
        return replace(self, output=replace(self.output, labels=labels))


def _as_it_is(raw: NDArray[Any]) -> NDArray[Any]:
    return raw


def _require_real(tensor: TensorSpec) -> None:
    if not tensor.quantized and np.dtype(tensor.dtype).kind != "f":
        raise ArtifactError(
            f"the input {tensor.name!r} cannot take real numbers",
            received=tensor.dtype,
            expected="uint8, float or quantized",
        )


def _to_tensor(real: NDArray[Any], tensor: TensorSpec) -> NDArray[Any]:
    """Return real values as a tensor's raw ones, rounded to the nearest and clipped where it is quantized."""
    _require_real(tensor)
    if not tensor.quantized:
        return real.astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    steps: NDArray[Any] = np.rint(real / tensor.scale) + tensor.zero_point
    return steps.clip(limits.min, limits.max).astype(tensor.dtype)
