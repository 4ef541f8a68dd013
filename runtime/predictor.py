"""The predictor: what an application calls, whatever engine and precision are behind it."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike, NDArray

from .engines import Engine
from .errors import ArtifactError, EngineError
from .images import to_pixels
from .predictions import OutputDecoder, Predictions
from .tensors import pixel_table

if TYPE_CHECKING:
    from collections.abc import Callable

_UINT8 = np.dtype(np.uint8)


class Predictor:
    """A loaded artifact that turns images into class probabilities.

    Attributes:
        path: The artifact's file.
        engine_name: The engine that runs it, a key of `edgemnist.runtime.ENGINES`.
        engine: The engine itself, for calls without checks and conversions.
        input: The model's input tensor.
        output: The model's output tensor.
        class_names: The name of each class.
        num_threads: The threads that one inference may use.
    """

    def __init__(
        self, path: Path, engine_name: str, engine: Engine, class_names: tuple[str, ...], num_threads: int
    ) -> None:
        self.path = path
        self.engine_name = engine_name
        self.engine = engine
        self.input = engine.input
        self.output = engine.output
        self.class_names = class_names
        self.num_threads = num_threads
        self._image_shape = _image_shape(path, engine)
        self._table = pixel_table(engine.input)
        self._plain_shape = self._image_shape if self._table is None else None
        self._decoder = OutputDecoder(engine.output, class_names)
        self._run: Callable[[NDArray[Any]], NDArray[Any]] = engine.run

    def predict(self, images: ArrayLike) -> Predictions:
        """Classify one image or a batch.

        Args:
            images: `(H, W)` or `(N, H, W)`, uint8 0..255 or float in [0, 1], light ink on dark ground as in
                training. Floats are rounded to the nearest of the 256 pixel values.

        Returns:
            The predictions, N of them; N is 1 for one image.

        Raises:
            InputError: The images have another shape, dtype or range, there are none, or they hold NaN.
            EngineError: The engine failed, or the predictor is closed.
        """
        # One image of raw pixels, which is what a loop or a service has, must cost next to nothing over the
        # bare engine: it is recognised here, and everything else goes the general way.
        if type(images) is ndarray and images.shape == self._plain_shape and images.dtype is _UINT8:
            batch = images[None]
        else:
            batch = self.encode(images)
        try:
            raw = self._run(batch)
        except Exception as error:  # onnxruntime's exceptions share no base below Exception
            raise self._engine_error(error) from error
        return Predictions(raw, self._decoder)

    def encode(self, images: ArrayLike) -> NDArray[Any]:
        """Return images as the raw batch that the engine takes: checked, then quantized or scaled if need be.

        Raises:
            InputError: The images have another shape, dtype or range, there are none, or they hold NaN.
        """
        pixels = to_pixels(images, self._image_shape)
        return pixels if self._table is None else self._table[pixels]

    def decode(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probabilities, `(N, classes)` float32, for what the engine gave out."""
        return self._decoder.decode(raw)

    def close(self) -> None:
        """Free the model; predicting afterwards raises `EngineError`."""
        self._run = self._closed
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Predictor {self.path.name} on {self.engine_name}, {self.num_threads} thread(s)>"

    def _closed(self, _batch: NDArray[Any]) -> NDArray[Any]:
        raise EngineError(f"the predictor for {self.path.name} is closed")

    def _engine_error(self, error: Exception) -> Exception:
        if isinstance(error, EngineError):
            return error
        return EngineError(f"{self.engine_name} failed on {self.path.name}", received=error)


def _image_shape(path: Path, engine: Engine) -> tuple[int, ...]:
    shape = engine.input.shape[1:]
    if len(engine.output.shape) != 2 or not shape or None in shape:  # noqa: PLR2004 - (batch, classes)
        raise ArtifactError(
            f"{path.name} does not keep the artifact contract",
            received=f"input {engine.input.shape}, output {engine.output.shape}",
            expected="an input of (batch, height, width) and an output of (batch, classes)",
        )
    return tuple(axis for axis in shape if axis is not None)
