"""The model to export, and the forms of it that are converted."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...proof.format_spec import INPUT_NAME, OUTPUT_NAME
from ...runtime.artifact.metadata import Metadata
from ...runtime.cpus import usable_cpu_count
from ...runtime.errors import ArtifactError, ConversionError
from ...runtime.loading import load_predictor
from ...runtime.predictor import Predictor
from ...runtime.tensors import TensorSpec
from ..backend import keras, tf
from ..calibration import Calibration

if TYPE_CHECKING:
    from ...runtime.engines.keras import KerasEngine

_TOOLS = ("edgemnist", "tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")


@dataclass(frozen=True, slots=True)
class Source:
    """The model to export.

    Attributes:
        path: The `.keras` file.
        sha256: Of that file as it was loaded.
        predictor: The model behind the interface that every artifact has, for the reference.
        calibration: The training images that quantization may look at.
        class_names: The name of each class.
    """

    path: Path
    sha256: str
    predictor: Predictor
    calibration: Calibration
    class_names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The model's name, the first part of every artifact's."""
        return self.path.stem

    @property
    def model(self) -> Any:
        """The Keras model: float32 `(N, H, W)` in [0, 1] to float32 `(N, classes)`."""
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

    def with_pixel_input(self) -> Any:
        """Return the model as the artifact contract has it: uint8 pixels to probabilities."""
        return self._wrapped("uint8", lambda pixels: keras.ops.cast(pixels, "float32") * (1 / 255))

    def with_float_input(self) -> Any:
        """Return the model with the contract's names and its training-time input, float32 in [0, 1]."""
        return self._wrapped("float32", lambda image: image)

    def _wrapped(self, dtype: str, scale: Callable[[Any], Any]) -> Any:
        image = keras.Input(self.model.input_shape[1:], dtype=dtype, name=INPUT_NAME)
        floats = scale(image)
        return keras.Model(image, {OUTPUT_NAME: _convertible(self.model)(floats)}, name=self.name)

    def metadata(self, precision: str, input_: TensorSpec, output: TensorSpec) -> Metadata:
        """Return the metadata that goes into an artifact of this model."""
        return Metadata(self.name, precision, self.class_names, input_, output, self.sha256, tool_versions())


class _Flatten(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """`Flatten` with the number of elements written down.

    Keras' own asks for the batch's size while it runs, which costs four operators (TFLite: SHAPE,
    STRIDED_SLICE, PACK and the RESHAPE itself) on every call.
    """

    def call(self, inputs: Any) -> Any:
        """Return `(N, elements)` for `(N, ...)`."""
        return tf.reshape(inputs, (-1, math.prod(inputs.shape[1:])))


def load_source(path: Path, calibration: Calibration, class_names: tuple[str, ...] | None = None) -> Source:
    """Load a `.keras` or `.h5` file; none of the code in it is run.

    Args:
        path: The file.
        calibration: The training images that quantization may look at.
        class_names: The name of each class; None calls them by their number.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is not a Keras classifier of images, or of another number of classes.
    """
    # As many threads as TensorFlow starts by itself: the number decides the order of its sums, and so the
    # last digit of the reference, which must not depend on whether this process has trained the model before.
    # No manifest, since the one beside it may be of the same model before it was trained again.
    predictor = load_predictor(path, engine="keras", num_threads=usable_cpu_count(), manifest=False)
    names = class_names or predictor.class_names
    if len(names) != len(predictor.class_names):
        raise ArtifactError(
            f"{path.name} has another number of classes than the data set",
            received=f"{len(names)} classes of images",
            expected=f"the model's {len(predictor.class_names)}",
            fix="Give the data set that the model was trained on: --data PATH.",
        )
    return Source(path, predictor.sha256, predictor, calibration, names)


def tool_versions() -> dict[str, str]:
    """Return the versions of everything that has a part in an artifact's bytes."""
    return {tool: version(tool) for tool in _TOOLS}


def _convertible(model: Any) -> Any:
    """Return the same network with layers that convert to fewer operators, where it is made of layers."""

    def convertible(layer: Any) -> Any:
        if isinstance(layer, keras.layers.Flatten) and layer.data_format == "channels_last":
            return _Flatten(name=layer.name)
        return type(layer).from_config(layer.get_config())

    try:
        clone = keras.models.clone_model(model, clone_function=convertible)
    except ValueError:  # a subclass of keras.Model, whose layers only its own code connects
        return model
    clone.set_weights(model.get_weights())
    return clone
