"""Keras files, read by Keras itself in safe mode: their layers are their operators."""

import json
import zipfile
from pathlib import Path
from typing import Any

from ..engines import ENGINES, EngineOptions
from . import GraphTensor, Operator, Structure


def read(path: Path) -> Structure:
    """Read a Keras file.

    Raises:
        ArtifactError: The file is not a Keras model.
        MissingExtraError: TensorFlow is not installed.
    """
    engine: Any = ENGINES["keras"].load(path, EngineOptions())
    layers = engine.model.layers
    flowing = {tensor.name: tensor for layer in layers for tensor in (*_inputs(layer), *_outputs(layer))}
    saved = _metadata(path)
    return Structure(
        inputs=(engine.input,),
        outputs=(engine.output,),
        tensors=(
            *(_weight(weight) for weight in engine.model.weights),
            *(GraphTensor(name, str(tensor.dtype), tuple(tensor.shape)) for name, tensor in flowing.items()),
        ),
        operators=tuple(_operator(layer) for layer in layers),
        versions={},
        oldest_runtime=f"Keras {saved.get('keras_version', 'unknown')}",
        metadata=saved,
    )


def _weight(weight: Any) -> GraphTensor:
    return GraphTensor(weight.path, weight.dtype, tuple(weight.shape), weight.value.numpy().nbytes)


def _operator(layer: Any) -> Operator:
    inputs = (*(tensor.name for tensor in _inputs(layer)), *(weight.path for weight in layer.weights))
    return Operator(type(layer).__name__, inputs=inputs, outputs=tuple(t.name for t in _outputs(layer)))


def _inputs(layer: Any) -> tuple[Any, ...]:
    return _tensors(getattr(layer, "input", ()))


def _outputs(layer: Any) -> tuple[Any, ...]:
    return _tensors(getattr(layer, "output", ()))


def _tensors(found: Any) -> tuple[Any, ...]:
    return tuple(found) if isinstance(found, list | tuple) else (found,)


def _metadata(path: Path) -> dict[str, str]:
    """Return what Keras wrote about the file itself: its version and the date."""
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("metadata.json"))
    return {key: str(value) for key, value in document.items()}
