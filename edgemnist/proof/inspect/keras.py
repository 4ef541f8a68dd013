"""Keras files, read by Keras itself in safe mode: their layers are their operators."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...runtime.artifact.keras.file import read_keras_file
from ...runtime.engines.registry import ENGINES, EngineOptions
from .structure import GraphTensor, Operator, Structure

KIND = "a Keras model of layers that Keras itself connects"


def read(name: str, content: bytes) -> Structure:
    """Read a Keras file; MissingExtraError if TensorFlow is not installed."""
    engine: Any = ENGINES["keras"].load(Path(name), content, EngineOptions())
    layers, saved = engine.model.layers, read_keras_file(content).metadata
    return Structure(
        inputs=(engine.input,),
        outputs=(engine.output,),
        tensors=(
            *(_weight(weight) for weight in engine.model.weights),
            *(_output(layer) for layer in layers),
        ),
        operators=tuple(_operators(engine.input.name, layers)),
        versions={},
        oldest_runtime=f"Keras {saved.get('keras_version', 'unknown')}",
        metadata=saved,
    )


def _weight(weight: Any) -> GraphTensor:
    return GraphTensor(weight.path, weight.dtype, tuple(weight.shape), weight.value.numpy().nbytes)


def _output(layer: Any) -> GraphTensor:
    return GraphTensor(layer.name, str(layer.compute_dtype), tuple(layer.output.shape))


def _operators(first: str, layers: list[Any]) -> Iterator[Operator]:
    """Yield the layers; a tensor is called like the layer that outputs it, since Keras only numbers them."""
    names: dict[int, str] = {}
    above = first
    for layer in layers:
        found = layer.input if isinstance(layer.input, list) else [layer.input]
        inputs = tuple(names.get(id(tensor), above) for tensor in found)
        weights = tuple(weight.path for weight in layer.weights)
        yield Operator(type(layer).__name__, inputs=inputs + weights, outputs=(layer.name,))
        names[id(layer.output)] = above = layer.name
