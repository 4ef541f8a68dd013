"""TensorFlow functions in models of Keras 2, such as `x * 2`, as the operations that Keras 3 has for them.

Keras 2 recorded a function called on a layer's output as a layer `TFOpLambda`, named by the function's path
in TensorFlow. Only those of the table are mended: a name never leads to a call of what it names.
"""

from collections.abc import Mapping
from typing import Any

_NUMPY, _NN, _CORE = "keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.core"
# TensorFlow's function: where Keras 3 has the operation, its class, and its settings by TensorFlow's names.
_OPERATIONS: dict[str, tuple[str, str, dict[str, str]]] = {
    **{name: (_NUMPY, "Add", {}) for name in ("__operators__.add", "math.add", "add", "nn.bias_add")},
    **{name: (_NUMPY, "Multiply", {}) for name in ("math.multiply", "multiply")},
    **{name: (_NUMPY, "Subtract", {}) for name in ("math.subtract", "subtract")},
    **{name: (_NUMPY, "TrueDivide", {}) for name in ("math.truediv", "math.divide", "realdiv")},
    **{name: (_NUMPY, "Negative", {}) for name in ("math.negative", "negative")},
    **{name: (_NUMPY, "Maximum", {}) for name in ("math.maximum", "maximum")},
    **{name: (_NUMPY, "Minimum", {}) for name in ("math.minimum", "minimum")},
    **{name: (_NUMPY, "Tanh", {}) for name in ("math.tanh", "tanh", "nn.tanh")},
    **{name: (_NN, "Sigmoid", {}) for name in ("math.sigmoid", "sigmoid", "nn.sigmoid")},
    **{name: (_NN, "Silu", {}) for name in ("nn.silu", "nn.swish")},
    **{name: (_NUMPY, "Squeeze", {"axis": "axis"}) for name in ("squeeze", "compat.v1.squeeze")},
    **{name: (_NUMPY, "Transpose", {"perm": "axes"}) for name in ("transpose", "compat.v1.transpose")},
    "math.sqrt": (_NUMPY, "Sqrt", {}),
    "math.square": (_NUMPY, "Square", {}),
    "math.abs": (_NUMPY, "Absolute", {}),
    "math.exp": (_NUMPY, "Exp", {}),
    "math.log": (_NUMPY, "Log", {}),
    "nn.relu": (_NN, "Relu", {}),
    "nn.relu6": (_NN, "Relu6", {}),
    "nn.elu": (_NN, "Elu", {}),
    "nn.softmax": (_NN, "Softmax", {"axis": "axis"}),
    "math.reduce_mean": (_NUMPY, "Mean", {"axis": "axis", "keepdims": "keepdims"}),
    "math.reduce_max": (_NUMPY, "Max", {"axis": "axis", "keepdims": "keepdims"}),
    "math.reduce_sum": (_NUMPY, "Sum", {"axis": "axis", "keepdims": "keepdims"}),
    "concat": (_NUMPY, "Concatenate", {"axis": "axis"}),
    "reshape": (_NUMPY, "Reshape", {"shape": "newshape"}),
    "expand_dims": (_NUMPY, "ExpandDims", {"axis": "axis"}),
    "clip_by_value": (_NUMPY, "Clip", {"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    **{name: (_NUMPY, "Pad", {"paddings": "pad_width", "mode": "mode"}) for name in ("pad", "compat.v1.pad")},
    "cast": (_CORE, "Cast", {"dtype": "dtype"}),
    "__operators__.getitem": (_NUMPY, "GetItem", {"slice_spec": ""}),
}
# What TensorFlow writes although it changes nothing.
_WITHOUT_EFFECT = {"conjugate": False, "keepdims": False, "constant_values": 0}
_SECOND = {"y", "bias"}
_REFERENCE = 3  # [layer, node, tensor], and perhaps the call's other arguments


def is_tensorflow_function(layer: Mapping[str, Any]) -> bool:
    """Whether a layer's configuration is a function of TensorFlow that Keras 2 recorded."""
    return layer.get("class_name") in ("TFOpLambda", "SlicingOpLambda")


def as_operation(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the operation of Keras 3 that does what a recorded function does.

    Raises:
        ValueError: There is none in the table, or it was called in a way that the operation has not.
    """
    function = str(layer["config"].get("function"))
    if function not in _OPERATIONS:
        raise ValueError(f"the function tf.{function}")
    module, name, settings = _OPERATIONS[function]
    calls = [_Call(node) for node in layer["inbound_nodes"]]
    config = {"name": layer["name"]}
    for call in calls:
        for theirs, value in list(call.others.items()):
            if settings.get(theirs):
                del call.others[theirs]
                config[settings[theirs]] = value.lower() if theirs == "mode" else value
            elif theirs == "name" or (theirs in _WITHOUT_EFFECT and value in (None, _WITHOUT_EFFECT[theirs])):
                del call.others[theirs]
    unknown = {key for call in calls for key in call.others if key not in _SECOND | {"slice_spec"}}
    if unknown or (len(calls) > 1 and len(config) > 1):
        raise ValueError(f"the function tf.{function} with {', '.join(sorted(unknown)) or 'several calls'}")
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": name,
        "name": layer["name"],
        "inbound_nodes": [call.as_node() for call in calls],
    }


def with_tensors_by_name(node: Any) -> Any:
    """Return a call of Keras 2 as Keras 3 writes it, if tensors are among its named arguments.

    Keras 3 reads the older form too, but not such tensors in it: attention is called with `value=`.
    """
    if not isinstance(node, list):
        return node
    call = _Call(node)
    if not any(_is_reference(value) for value in call.others.values()):
        return node
    named = {key: _tensor(each) if _is_reference(each) else each for key, each in call.others.items()}
    first = call.first[0] if len(call.first) == 1 else call.first
    return {"args": [first], "kwargs": named}


class _Call:
    """One call of a recorded function: tensors, and other arguments."""

    def __init__(self, node: Any) -> None:
        several = bool(node) and isinstance(node[0], list)
        parts = node if several else [node]
        self.several = several
        self.first = [_argument(part) for part in parts]
        self.others: dict[str, Any] = {}
        for part in parts:
            self.others.update(part[_REFERENCE] if len(part) > _REFERENCE else {})

    def as_node(self) -> dict[str, Any]:
        """Return the call as Keras 3 writes it."""
        arguments: list[Any] = [self.first] if self.several else list(self.first)
        for key in _SECOND & self.others.keys():
            other = self.others[key]
            arguments.append(_tensor(other) if _is_reference(other) else _constant(other))
        if "slice_spec" in self.others:
            arguments.append([_slice(each) for each in self.others["slice_spec"]])
        return {"args": arguments, "kwargs": {}}


def _argument(part: Any) -> Any:
    return _constant(part[2]) if part[0] == "_CONSTANT_VALUE" else _tensor(part)


def _constant(value: Any) -> Any:
    if isinstance(value, list):
        return {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}
    return value


def _is_reference(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= _REFERENCE and isinstance(value[0], str)


def _tensor(reference: Any) -> dict[str, Any]:
    # Keras finds the tensor by its history, and does not look at its shape.
    history = list(reference[:_REFERENCE])
    config = {"shape": [], "dtype": "float32", "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}


def _slice(each: Any) -> Any:
    if isinstance(each, dict) and set(each) == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": each}
    if isinstance(each, dict) and each.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": None}
    if isinstance(each, int) or each is None:
        return each
    raise ValueError("slices by what is no number")
