"""A check of every answer, for models that nobody vouches for."""

from collections.abc import Callable
from math import isfinite

from .engines.registry import Array, Engine
from .errors import EngineError


def checked_run(engine: Engine) -> Callable[[Array], Array]:
    """Return the engine's `run` with its output checked: one finite row of the declared dtype for each image.

    Raises (the returned function):
        EngineError: The output is something else.
    """
    run, classes, dtype = engine.run, engine.output.shape[-1], engine.output.dtype

    def checked_run(batch: Array) -> Array:
        raw = run(batch)
        if raw.shape != (len(batch), classes) or raw.dtype != dtype:
            raise EngineError(
                "the model does not give what it declares",
                received=f"{raw.dtype} {raw.shape}",
                expected=f"{dtype} {(len(batch), classes)}",
            )
        # Both find NaN; the first is a quarter of the price for one image.
        if not isfinite(raw[0, raw.argmax()] if len(raw) == 1 else raw.max()):
            raise EngineError("the model gives no finite probabilities for an image")
        return raw

    return checked_run
