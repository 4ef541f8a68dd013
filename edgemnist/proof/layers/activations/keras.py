"""The layers of Keras models, watched while they compute."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....runtime.engines.keras_signature import leading_scaling
from ....runtime.engines.registry import ENGINES, EngineOptions
from ....runtime.signature import SignatureOptions
from .trace import LayerOutput, Reals, Trace


def of_keras(name: str, content: bytes) -> Trace:
    """Watch the layers of a Keras model while it computes, those of nested models too."""
    engine: Any = ENGINES["keras"].load(Path(name), content, EngineOptions())
    model = engine.model
    recorded: list[_Call] = []
    for layer in _parts(model):
        layer.call = _recording(layer, layer.call, recorded)

    def values(batch: NDArray[Any]) -> list[Reals]:
        recorded.clear()
        model(batch, training=False)
        found = [np.asarray(call.result, np.float32) for call in recorded]
        positions = {id(call.result): index for index, call in enumerate(recorded)}
        parents[:] = [tuple(positions[each] for each in call.taken if each in positions) for call in recorded]
        return found

    parents: list[tuple[int, ...]] = []

    signature = engine.infer_signature(name, SignatureOptions())  # all its axes are fixed
    known = leading_scaling(model) is not None
    values(np.zeros((1, *signature.input.shape)).astype(engine.input.dtype))
    layers = tuple(call.layer for call in recorded)
    recorded.clear()
    return Trace(
        name, engine.input, engine.output, signature if known else None, layers, tuple(parents), values
    )


def _parts(model: Any) -> list[Any]:
    """Return a model's layers and operations without the models among them, whose layers count instead."""
    found = []
    for part in getattr(model, "operations", model.layers):
        found.extend(_parts(part) if hasattr(part, "layers") and hasattr(part, "inputs") else [part])
    return [part for part in found if type(part).__name__ != "InputLayer"]


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a Keras layer: what it returned, and which tensors it took."""

    layer: LayerOutput
    result: Any
    taken: tuple[int, ...]


def _recording(layer: Any, call: Callable[..., Any], recorded: list[_Call]) -> Callable[..., Any]:
    def recording(*arguments: Any, **named: Any) -> Any:
        result = call(*arguments, **named)
        if hasattr(result, "shape"):
            taken = tuple(id(each) for each in _tensors([arguments, named]))
            recorded.append(_Call(LayerOutput(layer.name, type(layer).__name__), result, taken))
        return result

    return recording


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors in nested lists and dictionaries of arguments."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif hasattr(value, "shape"):
        yield value
