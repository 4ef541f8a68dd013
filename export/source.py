"""The model to export, and the forms of it that the converters take."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..runtime.files import sha256_of
from ..runtime.loading import load_predictor
from ..runtime.predictor import Predictor
from .backend import keras
from .calibration import Calibration

if TYPE_CHECKING:
    from ..runtime.engines.keras import KerasEngine

INPUT_NAME = "image"
OUTPUT_NAME = "probabilities"


@dataclass(frozen=True, slots=True)
class Source:
    """What every exporter starts from.

    Attributes:
        path: The `.keras` file.
        sha256: Of that file.
        predictor: The model behind the interface that every artifact has, for reference answers.
        calibration: The training images that quantization may look at.
    """

    path: Path
    sha256: str
    predictor: Predictor
    calibration: Calibration

    @property
    def name(self) -> str:
        """The model's name, the first part of every artifact's."""
        return self.path.stem

    @property
    def model(self) -> Any:
        """The Keras model: float32 `(N, H, W)` in [0, 1] to float32 `(N, classes)`."""
        return cast("KerasEngine", self.predictor.engine).model

    def taking_pixels(self) -> Any:
        """Return the model as the artifact contract has it: uint8 pixels in, probabilities out."""
        pixels = keras.Input(self.model.input_shape[1:], dtype="uint8", name=INPUT_NAME)
        scaled = keras.layers.Rescaling(1 / 255)(pixels)
        return keras.Model(pixels, {OUTPUT_NAME: self.model(scaled)}, name=self.name)

    def taking_floats(self) -> Any:
        """Return the model with the contract's names and its training-time input, float32 in [0, 1]."""
        floats = keras.Input(self.model.input_shape[1:], dtype="float32", name=INPUT_NAME)
        return keras.Model(floats, {OUTPUT_NAME: self.model(floats)}, name=self.name)


def load_source(path: Path, calibration: Calibration) -> Source:
    """Load a `.keras` file in safe mode.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is not a Keras classifier of images.
    """
    predictor = load_predictor(path, engine="keras")
    return Source(path, sha256_of(path), predictor, calibration)
