"""What converters cannot do, told by the names of the model's layers.

A converter's own message names operators of a graph that nobody wrote, in many lines.
"""

import re
from collections.abc import Iterator
from typing import Any

from ...runtime.errors import ConversionError, first_line

_SHOWN = 200
# As MLIR, tf2onnx and ONNX name a node: by the path of layers that it came from.
_PATH = re.compile(r"[\w.]+(?:/[\w.]+)+")
_OPERATOR = re.compile(r"'tf\.(\w+)' op|No Op registered for (\w+)|Tensorflow op \[[^:\]]*: (\w+)\]")
_WRAPPED = ("forward_layer", "backward_layer", "layer")
_FIX_RECURRENT = "Build recurrent layers with unroll=True."
_FIX_FIXED = "Fix the batch with --batch 1, or build recurrent layers with unroll=True."


def explained(error: ConversionError, model: Any, batch: int | None = None) -> str:
    """Return a converter's refusal as a sentence with the layers and operators that it names, if it does.

    Args:
        error: What was raised.
        model: The Keras model.
        batch: The size of the batch that was asked for; None is any.
    """
    if not isinstance(error.received, BaseException):
        return str(error)
    text = str(error.received)
    found = set(_PATH.findall(text))
    named = [layer for layer in layers_of(model) if any(_is_of(layer.name, path) for path in found)]
    operators = dict.fromkeys(name for match in _OPERATOR.findall(text) for name in match if name)
    what = " and ".join(f"{layer.name} ({type(layer).__name__})" for layer in named)
    parts = [f"the layer {what}"] if named else []
    parts += [f"the operator {', '.join(operators)}"] if operators else []
    received = "; ".join(parts) or first_line(error.received)[:_SHOWN]
    recurrent = batch is None and any(map(_is_recurrent, named))
    return str(ConversionError(error.problem, received=received, fix=_FIX_FIXED if recurrent else error.fix))


def require_quantizable(model: Any) -> None:
    """Raise ConversionError for layers at which TensorFlow's quantizer crashes the process (2.21)."""
    recurrent = [layer.name for layer in layers_of(model) if _is_recurrent(layer)]
    if recurrent:
        raise ConversionError(
            "the TFLite converter cannot quantize recurrent layers",
            received=f"the layer {' and '.join(recurrent)}",
            fix=_FIX_RECURRENT,
        )


def layers_of(model: Any) -> Iterator[Any]:
    """Yield a model's layers, and those of models and wrappers in it, without these themselves."""
    for layer in getattr(model, "layers", ()):
        wrapped = [getattr(layer, name, None) for name in _WRAPPED]
        inner = getattr(layer, "layers", None) or [part for part in wrapped if part is not None]
        if not inner:
            yield layer
        for part in inner:
            yield from layers_of(part) if getattr(part, "layers", None) else (part,)


def _is_recurrent(layer: Any) -> bool:
    return getattr(layer, "unroll", None) is False and hasattr(layer, "return_sequences")


def _is_of(layer: str, path: str) -> bool:
    """Whether a path leads through a layer; Keras numbers the second and later uses of a name."""
    return any(re.fullmatch(rf"{re.escape(layer)}(?:_\d+)?", part) for part in path.split("/"))
