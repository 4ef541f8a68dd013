"""The signature of a Keras model, from its layers.

Nothing here imports Keras: layers are known by the names of their classes, as a model file names them.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArtifactError
from ..signature import DEFAULT_PIXEL_SCALE, InputSpec, ModelSignature, OutputSpec, SignatureOptions

_PLAIN_AXES, _COLOUR_AXES = 2, 3
_COLOUR_CHANNELS = (1, 3, 4)
_PROBABILITIES = ("softmax", "sigmoid")
Numbers = tuple[float, ...]


def infer_signature(file: str, model: Any, wanted: SignatureOptions) -> ModelSignature:
    """Return the signature of a Keras model.

    Args:
        file: The model file's name, for messages.
        model: The Keras model.
        wanted: What is known of it; the rest is read off its layers.

    Raises:
        ArtifactError: It has several inputs or outputs, keeps a state, has an axis of no fixed size, or gives
            no classes although they are asked for, or has another number of them than there are labels.
        OptionError: The scale or the offset does not fit the input.
    """
    shape = _end(file, "input", model.inputs)
    item = _end(file, "output", model.outputs)
    _require_stateless(file, model)
    kind = wanted.input_kind or ("image" if _is_image(shape) else "features")
    scale = wanted.scale
    if scale is None:
        own = kind == "features" or wanted.offset is not None or leading_scaling(model) is not None
        scale = (1.0,) if own else (DEFAULT_PIXEL_SCALE,)
    ink = kind == "image" and (len(shape) == _PLAIN_AXES if wanted.ink is None else wanted.ink)
    spec = InputSpec(kind, shape, scale, wanted.offset or (0.0,), ink)
    return ModelSignature(spec, _output(file, model, shape, item, wanted))


def leading_scaling(model: Any) -> tuple[Any, Numbers, Numbers] | None:
    """Return the layer that scales a model's input before all others, with its scale and offset; or None.

    It is a Rescaling, or a Normalization of the last axis or of none. Its output is the input of the rest.
    """
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    first: Any = layers[0] if layers else None
    kind = type(first).__name__
    if kind == "Rescaling":
        numbers = np.atleast_1d(first.scale), np.atleast_1d(first.offset)
    elif kind == "Normalization" and not first.invert and first.mean is not None:
        mean, deviation = (np.asarray(x, np.float64).ravel() for x in (first.mean, np.sqrt(first.variance)))
        scale = 1 / np.maximum(deviation, 1e-7)  # as Keras' own call has it: the epsilon of its backend
        numbers = scale, -mean * scale
    else:
        return None
    sizes = {len(values.ravel()) for values in numbers}
    if first.output.shape != model.inputs[0].shape or not sizes <= {1, model.inputs[0].shape[-1]}:
        return None
    scale_, offset_ = (tuple(float(value) for value in values.ravel()) for values in numbers)
    return first, scale_, offset_


def _end(file: str, role: str, tensors: Sequence[Any]) -> tuple[int, ...]:
    if len(tensors) != 1:
        raise ArtifactError(
            f"{file} has several {role}s",
            received=f"{len(tensors)}: {', '.join(str(tensor.name) for tensor in tensors)}",
            expected=f"a model with one {role}",
            fix=f"Save a keras.Model with the one {role} that the device needs.",
        )
    axes = tuple(tensors[0].shape[1:])
    if not axes or any(axis is None for axis in axes):
        raise ArtifactError(
            f"{file} has an {role} of variable size",
            received=tuple(tensors[0].shape),
            expected="fixed sizes, such as (None, 32, 32, 3); only the batch may be None",
            fix="Build the model with a keras.Input of the size that the device has.",
        )
    return tuple(int(axis) for axis in axes)


def _require_stateless(file: str, model: Any) -> None:
    stateful = [layer.name for layer in model.layers if getattr(layer, "stateful", False)]
    if stateful:
        raise ArtifactError(
            f"{file} keeps a state from one call to the next",
            received=f"stateful layers: {', '.join(stateful)}",
            expected="a model whose output depends on its input alone",
            fix="Build the layers with stateful=False.",
        )


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == _PLAIN_AXES or (len(shape) == _COLOUR_AXES and shape[-1] in _COLOUR_CHANNELS)


def _output(
    file: str,
    model: Any,
    shape: tuple[int, ...],
    item: tuple[int, ...],
    wanted: SignatureOptions,
) -> OutputSpec:
    activation, kind, labels = _last_activation(model), wanted.output_kind, wanted.labels
    if kind is None:
        reconstructs = activation == "sigmoid" and math.prod(item) == math.prod(shape) > 1
        gives_classes = activation in _PROBABILITIES and len(item) == 1 and not reconstructs
        kind = "classes" if gives_classes or labels else "values"
    if kind == "values":
        return OutputSpec("values", item, (), "none")
    if len(item) != 1:
        raise ArtifactError(
            f"{file} gives no classes",
            received=f"an output of shape {item}",
            expected="one number a class",
            fix="Give data without labels, or a model that ends in one number a class.",
        )
    ending: Any = activation if activation in _PROBABILITIES else "logits"
    classes = 2 if item == (1,) else item[0]
    names = tuple(labels) if labels else tuple(map(str, range(classes)))
    if len(names) != classes:
        raise ArtifactError(
            f"{file} has another number of classes than the data set",
            received=f"{len(names)} class names",
            expected=f"the model's {classes}",
            fix="Give the data that the model was trained on with --data, or its class names with --labels.",
        )
    return OutputSpec("classes", item, names, ending)


def _last_activation(model: Any) -> str:
    """Return the name of what is applied last: "softmax", "sigmoid", or anything else."""
    layer = model.layers[-1]
    for candidate in model.layers:  # of a graph, the layer that gives the output need not be the last listed
        if getattr(candidate, "output", None) is model.outputs[0]:
            layer = candidate
    if hasattr(layer, "layers"):
        return _last_activation(layer)
    if type(layer).__name__ == "Softmax":
        return "softmax"
    activation = getattr(layer, "activation", None)
    return str(getattr(activation, "__name__", "linear"))
