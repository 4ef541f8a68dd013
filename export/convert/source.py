"""The model to export, and the forms of it that are converted."""

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ...runtime.artifact.metadata import Metadata
from ...runtime.engines.keras_signature import leading_scaling
from ...runtime.errors import ConversionError
from ...runtime.loading import load_predictor
from ...runtime.predictor import Predictor
from ...runtime.process import usable_cpu_count
from ...runtime.signature import PIXEL_VALUES, InputSpec, ModelSignature, SignatureOptions
from ...runtime.tensors import TensorSpec
from ..backend import keras, tf
from ..calibration import Calibration
from ..versions import tool_versions

if TYPE_CHECKING:
    from ...runtime.engines.keras import KerasEngine

_ZERO_POINT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the model that a converter gets.

    Attributes:
        model: The Keras model, its ends named as in every artifact.
        signature: Of what is made of it: how raw items become the real values of its input.
        pixel: The scale and the zero point by which each uint8 pixel is its own quantized value; None where
            there are none, and for features.
    """

    model: Any
    signature: ModelSignature
    pixel: tuple[float, int] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The model to export.

    Attributes:
        path: The `.keras` file.
        sha256: Of that file as it was loaded.
        predictor: The model behind the interface that every artifact has, for the reference.
        calibration: The training items that quantization may look at.
        batch: The size of every artifact's batch; None is any.
    """

    path: Path
    sha256: str
    predictor: Predictor
    calibration: Calibration
    batch: int | None = None

    @property
    def name(self) -> str:
        """The model's name, the first part of every artifact's."""
        return self.path.stem

    @property
    def signature(self) -> ModelSignature:
        """What the Keras model receives and gives."""
        return self.predictor.signature

    @property
    def model(self) -> Any:
        """The Keras model: float32 `(N, *shape)`, scaled as its signature has it, to its own output."""
        return cast("KerasEngine", self.predictor.engine).model

    def read(self) -> bytes:
        """Return the file's content.

        Raises:
            ConversionError: It is another one by now than the one that was loaded.
        """
        content = self.path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ConversionError(
                f"{self.path.name} changed while it was exported",
                received=f"sha256 {found}",
                expected=self.sha256,
                fix="Export again.",
            )
        return content

    def raw_form(self) -> Form:
        """Return the model as the artifact contract has it: raw items to probabilities or values."""
        spec = self.signature.input
        return self._form(spec.raw_dtype, spec, _unscaled(spec))

    def quantizer_form(self) -> Form:
        """Return the model with float32 input, in the range that quantizes it best.

        A scaling of the input is left to whoever quantizes it, that of the model's first layer too. For
        images this is so where a pixel then is its own quantized value, else the model gets raw pixels as
        floats.
        """
        spec, first = self.signature.input, None
        scaling = leading_scaling(self.model)
        if scaling is not None:
            first, scale, offset = scaling
            spec = InputSpec(
                spec.kind,
                spec.shape,
                _compact(np.multiply(spec.scale, scale)),
                _compact(np.multiply(spec.offset, scale) + offset),
                spec.ink,
            )
        pixel = _pixel(spec) if spec.kind == "image" else None
        if spec.kind == "image" and pixel is None:
            return self._form("float32", self.signature.input, _unscaled(spec))
        return replace(self._form("float32", _unscaled(spec), spec, without=first), pixel=pixel)

    def _form(self, dtype: str, inside: InputSpec, outside: InputSpec, *, without: Any = None) -> Form:
        """Return a model that scales its input as `inside` has it, and whose users scale as `outside` has.

        The layer `without` is left out.
        """
        output = self.signature.output
        item = keras.Input(inside.shape, batch_size=self.batch, dtype=dtype, name=inside.name)
        floats = item if dtype == "float32" else keras.ops.cast(item, "float32")
        if inside.is_scaled:
            floats = floats * _constant(inside.scale)
            if any(inside.offset):
                floats = floats + _constant(inside.offset)
        answer = _convertible(self.model, without)(floats)
        if output.activation == "logits":
            output = output.with_probabilities()
            answer = keras.layers.Activation(output.activation)(answer)
        return Form(keras.Model(item, {output.name: answer}, name=self.name), ModelSignature(outside, output))

    def metadata(
        self, precision: str, input_: TensorSpec, output: TensorSpec, signature: ModelSignature
    ) -> Metadata:
        """Return the metadata that goes into an artifact of this model."""
        labels = signature.output.labels
        return Metadata(self.name, precision, labels, input_, output, self.sha256, tool_versions(), signature)


def _unscaled(spec: InputSpec) -> InputSpec:
    return InputSpec(spec.kind, spec.shape, ink=spec.ink)


def _pixel(spec: InputSpec) -> tuple[float, int] | None:
    """Return the quantization by which each pixel is its own quantized value, or None if there is none."""
    scale, zero_point = spec.scale[0], -spec.offset[0] / spec.scale[0]
    near = abs(zero_point - round(zero_point)) < _ZERO_POINT_TOLERANCE
    if spec.is_uniform and scale > 0 and near and 0 <= round(zero_point) < PIXEL_VALUES:
        return scale, round(zero_point)
    return None


def _compact(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    """Return one number where all are equal."""
    values = tuple(float(value) for value in np.atleast_1d(numbers))
    return values[:1] if len(set(values)) == 1 else values


def _constant(numbers: tuple[float, ...]) -> Any:
    return numbers[0] if len(numbers) == 1 else np.array(numbers, np.float32)


class _Flatten(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """`Flatten` with the number of elements written down.

    Keras' own asks for the batch's size while it runs, which costs four operators (TFLite: SHAPE,
    STRIDED_SLICE, PACK and the RESHAPE itself) on every call.
    """

    def call(self, inputs: Any) -> Any:
        """Return `(N, elements)` for `(N, ...)`."""
        return tf.reshape(inputs, (-1, math.prod(inputs.shape[1:])))


class _Normalization(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """`Normalization` with constants, not tensors, which tf2onnx (1.17) takes for inputs of the model."""

    def __init__(self, layer: Any) -> None:
        super().__init__(name=layer.name)
        self._mean, self._variance = np.array(layer.mean), np.array(layer.variance)

    def call(self, inputs: Any) -> Any:
        """Return `(N, ...)` of mean 0 and variance 1, as Keras' own does."""
        deviation = np.maximum(np.sqrt(self._variance), keras.backend.epsilon())
        return (inputs - self._mean) / deviation


def load_model(path: Path, wanted: SignatureOptions | None = None) -> Predictor:
    """Load a Keras model.

    Args:
        path: A `.keras` or `.h5` file.
        wanted: What is known of its signature; the rest is read off its layers.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is not a Keras model of one input and one output, or not what is wanted.
    """
    # As many threads as TensorFlow starts by itself: the number decides the order of its sums, and so the
    # last digit of the reference, which must not depend on whether this process has trained the model before.
    # No manifest, since the one beside it may be of the same model before it was trained again.
    return load_predictor(
        path, engine="keras", num_threads=usable_cpu_count(), manifest=False, signature=wanted
    )


def load_source(path: Path, calibration: Calibration, wanted: SignatureOptions | None = None) -> Source:
    """Load a Keras model to export; arguments and errors as of `load_model`."""
    predictor = load_model(path, wanted)
    return Source(path, predictor.sha256, predictor, calibration)


def _convertible(model: Any, without: Any = None) -> Any:
    """Return the same network with layers that convert to fewer operators, where it is made of layers.

    Args:
        model: The network.
        without: A layer of it that is left out; None leaves none out.
    """

    def convertible(layer: Any) -> Any:
        if layer is without:
            return keras.layers.Identity(name=layer.name)
        if isinstance(layer, keras.layers.Flatten) and layer.data_format == "channels_last":
            return _Flatten(name=layer.name)
        if isinstance(layer, keras.layers.Normalization) and not layer.invert:
            return _Normalization(layer)
        return layer  # shared, with its weights and whatever else it has learnt

    try:
        return keras.models.clone_model(model, clone_function=convertible)
    except ValueError:  # a subclass of keras.Model, whose layers only its own code connects
        return model
