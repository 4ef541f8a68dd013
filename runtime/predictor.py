"""The predictor: what an application calls, whatever engine and precision are behind it."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike, NDArray

from .engines.registry import ENGINES, Engine, ModelFile
from .errors import EngineError
from .inputs.arrays import to_features, to_pixels
from .inputs.picture_files import PictureOptions
from .output_decoder import OutputDecoder
from .predictions import OnePrediction, Prediction, Predictions
from .process import abandon, register_after_fork
from .signature import ModelSignature
from .tensors import checked_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from typing import BinaryIO

    from PIL.Image import Image

    from .batching import Batching

    Images = ArrayLike | str | bytes | PathLike[str] | BinaryIO | Image | Sequence[Any]

_UINT8 = np.dtype(np.uint8)


class Predictor:
    """A loaded artifact that turns images or features into class probabilities or values.

    Any number of threads may call it at once. A child process made by `fork` loads the model anew when it
    first predicts. Pickled, as `multiprocessing` does to hand it to a spawned process, it is the file's
    path and sha256, and loads where it is unpickled.

    Attributes:
        path: The artifact's file, absolute.
        sha256: Of the content that was loaded, whatever the file holds now.
        engine_name: The engine that runs it, a key of `edgemnist.runtime.ENGINES`.
        engine: The engine itself, for calls without checks and conversions.
        input, output: The model's tensors.
        signature: What goes into the model and what comes out of it.
        num_threads: The threads that one inference may use.
    """

    def __init__(
        self,
        source: ModelFile,
        engine: Engine,
        signature: ModelSignature,
        *,
        checked: bool,
        pictures: PictureOptions,
    ) -> None:
        self.path, self.sha256, self.engine_name = source.path, source.sha256, source.engine
        self.engine, self.input, self.output = engine, engine.input, engine.output
        self.signature, self.pictures = signature, pictures
        self.num_threads = source.options.num_threads
        self._source, self._checked, self._closed = source, checked, False
        self._encode = signature.input.encoder(engine.input)
        self._plain_shape = None  # of one item that goes in as it is
        if signature.input.kind == "image" and signature.input.pixel_table(engine.input) is None:
            self._plain_shape = signature.input.shape
        self._decoder = OutputDecoder(engine.output, signature.output)
        self._batching: Batching | None = None
        self._run: Callable[[NDArray[Any]], NDArray[Any]] = self._run_of(engine)
        self._one = self._one_of(engine)
        register_after_fork(self)

    def predict(self, images: "Images") -> Predictions:
        """Run the model on one item or a batch.

        Args:
            images: For a model of images `(H, W)` or `(H, W, C)` as its signature has it, or `(N, ...)` of
                them, uint8 0..255 or float in [0, 1], which is rounded to the nearest of the 256 pixel
                values; an axis of one channel may be there or not. Or a picture: encoded bytes, a path, a
                file object, an image of Pillow's. Or a list of any of these. For a model of features numbers
                of its shape, or `(N, ...)` of them.

        Returns:
            The predictions, N of them; N is 1 for one image.

        Raises:
            InputError: The images have another shape, dtype or range, there are none, or they hold NaN; or a
                picture cannot be read or decoded, is too large, or shows nothing.
            MissingExtraError: There is a picture, and Pillow is not installed.
            EngineError: The engine failed, or the predictor is closed.
        """
        # One image of raw pixels, which is what a loop or a service has, must cost next to nothing over the
        # bare engine: it is recognised here, and everything else goes the general way.
        one = self._one
        if one is not None and (prediction := one(images)) is not None:
            return OnePrediction(prediction, self._decoder)
        if type(images) is ndarray and images.shape == self._plain_shape and images.dtype is _UINT8:
            batch = images[None]
        else:
            batch = self.encode(images)
        try:
            raw = self._run(batch)
        except EngineError:
            raise
        except Exception as error:  # onnxruntime's exceptions share no base below Exception
            raise EngineError(f"{self.engine_name} failed on {self.path.name}", received=error) from error
        return Predictions(raw, self._decoder)

    async def predict_async(self, images: "Images") -> Predictions:
        """Do as `predict` does, together with what other coroutines of the event loop ask for meanwhile.

        What waits at one time is one batch for the model, computed in the loop where that takes less than
        half a millisecond, else in a thread; pictures are decoded in threads. An array must stay as it is
        until the answer is there. The errors are those of `predict`, each only for the caller whose items
        it is about; a caller who is cancelled changes nothing for the others.
        """
        if self._batching is None:
            from .batching import Batching  # here, since asyncio takes its time to import

            self._batching = Batching(self)
        return await self._batching.predict(images)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class; none for a model of values."""
        return self.signature.output.labels

    def encode(self, items: "Images") -> NDArray[Any]:
        """Return items as the engine's raw input batch, quantized if need be; errors as of `predict`."""
        return self._encode(self.to_raw(items))

    def to_raw(self, items: "Images") -> NDArray[Any]:
        """Return items as the model's signature has them; errors as of `predict`.

        Returns:
            `(N, *shape)`, uint8 pixels of images (light ink on dark background where pictures show ink), or
            float32 features.
        """
        spec = self.signature.input
        if spec.kind == "features":
            return to_features(items, spec.shape)
        return to_pixels(items, spec, self.pictures)

    def decode(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probabilities or values, `(N, ...)` float32, for what the engine gave out."""
        return self._decoder.decode(raw)

    def with_signature(self, signature: ModelSignature) -> "Predictor":
        """Return a predictor of the same loaded model that reads its numbers by another signature."""
        return Predictor(self._source, self.engine, signature, checked=self._checked, pictures=self.pictures)

    def close(self) -> None:
        """Free the model, once calls under way are done; predicting afterwards raises `EngineError`."""
        self._closed = True
        self._run, self._one = self._refuse, None
        self.engine.close()

    def after_fork(self) -> None:
        """Have the next prediction load the model anew: called in a forked child.

        The engine's threads do not live on in a child, and another thread of the parent may have been in the
        middle of a call.
        """
        if not self._closed:
            import threading  # here, since a predictor must start quickly

            abandon(self.engine)
            self._reloading = threading.Lock()
            self._run, self._one = self._reload_and_run, None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        from .loading import load_again

        source = self._source
        file = source.path, source.sha256, source.engine, source.options
        return load_again, (*file, self.signature, self._checked, self.pictures)

    def __repr__(self) -> str:
        return f"<Predictor {self.path.name} on {self.engine_name}, {self.num_threads} thread(s)>"

    def _run_of(self, engine: Engine) -> "Callable[[NDArray[Any]], NDArray[Any]]":
        return checked_run(engine.run, engine.output) if self._checked else engine.run

    def _one_of(self, engine: Engine) -> "Callable[[Any], Prediction | None] | None":
        """Return the engine's call for one image of raw pixels, if it has one and its answers are shares."""
        decoder = self._decoder
        if self._plain_shape is None or not decoder.share_of_byte or self._checked:
            return None
        one = getattr(engine, "one", None)
        parts = decoder.labels, decoder.share_of_byte, Prediction, decoder
        return one(parts) if one is not None else None

    def _reload_and_run(self, batch: NDArray[Any]) -> NDArray[Any]:
        with self._reloading:
            if self._run == self._reload_and_run:  # no other thread was quicker
                if not ENGINES[self.engine_name].light:
                    raise EngineError(
                        f"{self.engine_name} does not survive a fork",
                        fix="Load the predictor in the child, or start children with the method 'spawn'.",
                    )
                self.engine = self._source.load()
                self._run, self._one = self._run_of(self.engine), self._one_of(self.engine)
        return self._run(batch)

    def _refuse(self, _batch: NDArray[Any]) -> NDArray[Any]:
        raise EngineError(f"the predictor for {self.path.name} is closed")
