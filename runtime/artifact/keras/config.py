"""A Keras model's configuration: what earlier versions of Keras wrote is mended."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...errors import ArtifactError
from .operations import as_operation, is_tensorflow_function, with_tensors_by_name

Config = dict[str, Any]

_MODELS = ("Functional", "Model", "Sequential")
_RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
_TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
_SEPARABLE = ("SeparableConv1D", "SeparableConv2D")
_ANY = object()
# Arguments that Keras 3 no longer has, and the value with which they do nothing.
_DROPPED: dict[str, dict[str, Any]] = {
    **{name: {"groups": 1} for name in ("DepthwiseConv1D", "DepthwiseConv2D", *_TRANSPOSED)},
    **{
        name: {"groups": 1, "kernel_initializer": _ANY, "kernel_regularizer": _ANY, "kernel_constraint": _ANY}
        for name in _SEPARABLE
    },
    **{name: {"time_major": False} for name in _RECURRENT},
    **{f"SpatialDropout{axes}D": {"trainable": _ANY, "noise_shape": _ANY} for axes in (1, 2, 3)},
    "MultiHeadAttention": {
        "query_shape": _ANY, "key_shape": _ANY, "value_shape": _ANY, "softmax_robust_masking": False,
    },
    "BatchNormalization": {"virtual_batch_size": None, "fused": _ANY, "adjustment": None},
}  # fmt: skip
_RENAMED = {f"BatchNormalizationV{version}": "BatchNormalization" for version in (1, 2)}


def for_inference(config: Config) -> Config:
    """Return a configuration without what matters in training only: losses, metrics and optimizers.

    A model whose one input or output is in a list takes and returns the tensor itself then.
    """
    result: Config = _without_compilation(config)
    inner: Any = result.get("config")
    if isinstance(inner, dict):
        for key in ("input_layers", "output_layers"):
            tensors = inner.get(key)
            if isinstance(tensors, list) and len(tensors) == 1 and isinstance(tensors[0], list):
                inner[key] = tensors[0]
    return result


def _without_compilation(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_compilation(each) for each in value]
    if isinstance(value, dict):
        return {key: _without_compilation(each) for key, each in value.items() if key != "compile_config"}
    return value


def mended(config: Config) -> tuple[Config, tuple[str, ...]]:
    """Return a configuration as Keras 3 understands it, and what was mended, a phrase for each kind.

    Raises:
        ArtifactError: It holds a function of TensorFlow that no operation of Keras 3 replaces.
    """
    notes: Counter[str] = Counter()
    result = _mended(config, notes)
    return result, tuple(f"{what} ({count}×)" if count > 1 else what for what, count in notes.items())


def _mended(value: Any, notes: Counter[str]) -> Any:
    if isinstance(value, list):
        return [_mended(each, notes) for each in value]
    if not isinstance(value, dict):
        return value
    if is_tensorflow_function(value) and "inbound_nodes" in value:
        function = value["config"].get("function")
        try:
            value = as_operation(value)
        except ValueError as error:
            raise ArtifactError(
                "the model has a layer made of a TensorFlow function, which Keras 3 does not have",
                received=f"{error} in the layer {value.get('name')!r}",
                expected="layers and operations of Keras itself",
                fix="Replace it by a layer such as Rescaling or Reshape, and save the model again.",
            ) from error
        notes[f"the function tf.{function} as the operation {value['class_name']}"] += 1
    result = {key: _mended(each, notes) for key, each in value.items()}
    if isinstance(result.get("class_name"), str) and isinstance(result.get("config"), dict):
        for mend in (_class, _arguments, _dtype, _axis, _layers):
            mend(result, notes)
    return result


def _class(found: Config, notes: Counter[str]) -> None:
    """Say where a class is now, if it has moved."""
    if found["class_name"] in _RENAMED:
        notes[f"the class {found['class_name']}"] += 1
        found["class_name"] = _RENAMED[found["class_name"]]
    module = found.get("module")
    moved = isinstance(module, str) and module.startswith(("tf_keras.", "keras.src.engine."))
    if moved and found["class_name"] in _MODELS:
        functional = found["class_name"] == "Functional"
        found["module"] = "keras.src.models.functional" if functional else "keras"
        found["registered_name"] = "Functional" if functional else None
        notes[f"the class {found['class_name']} of Keras 2"] += 1


def _arguments(found: Config, notes: Counter[str]) -> None:
    """Drop arguments that Keras 3 has not, where they do nothing."""
    name, config = found["class_name"], found["config"]
    dropped = dict(_DROPPED.get(name, {}))
    if name.startswith("Random"):
        dropped["rng_type"] = _ANY
    for key, neutral in dropped.items():
        if key in config and (neutral is _ANY or config[key] == neutral):
            del config[key]
            notes[f"the argument {key} of {name}"] += 1
    if name == "MultiHeadAttention" and "input_shape" in (found.get("build_config") or {}):
        del found["build_config"]  # it has several inputs, and is built when it is called
    for key, inner in config.items():
        # Initializers had a dtype until TensorFlow 2.4; a model's weights are read, not initialized.
        initializer = (
            inner.get("config") if key.endswith("_initializer") and isinstance(inner, dict) else None
        )
        if isinstance(initializer, dict) and initializer.pop("dtype", None) is not None:
            notes["the dtype of initializers"] += 1


def _dtype(found: Config, notes: Counter[str]) -> None:
    policy = found["config"].get("dtype")
    if isinstance(policy, dict) and policy.get("class_name") in ("Policy", "PolicyV1"):
        found["config"]["dtype"] = policy.get("config", {}).get("name", "float32")
        notes["the dtype policies of Keras 2"] += 1


def _axis(found: Config, notes: Counter[str]) -> None:
    axis = found["config"].get("axis")
    if found["class_name"] == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        found["config"]["axis"] = axis[0]
        notes["the axis of BatchNormalization"] += 1


def _layers(found: Config, notes: Counter[str]) -> None:
    """Rename layers whose names Keras 3 does not take, and count the calls of nested models as it does."""
    layers = found["config"].get("layers")
    if found["class_name"] not in _MODELS or not isinstance(layers, list):
        return
    names = {_name(layer): _name(layer).replace("/", "_") for layer in layers if "/" in _name(layer)}
    if names:
        notes["layers with / in their names"] += len(names)
        for layer in layers:
            new = names.get(_name(layer))
            if new is not None:
                layer["name"] = layer["config"]["name"] = new
    # Keras 2 counted the making of a nested Sequential as its first call.
    nested = {
        _name(layer)
        for layer in layers
        if isinstance(layer, dict) and layer.get("class_name") == "Sequential"
    }
    references = [each for part in (found["config"], *layers) for each in _references(part)]
    late = {
        name
        for name in nested
        if (calls := [each[1] for each in references if each[0] == name]) and min(calls) >= 1
    }
    for each in references:
        if each[0] in late:
            each[1] -= 1
        each[0] = names.get(each[0], each[0])
    if late:
        notes["the calls of nested models"] += len(late)
    for layer in layers:
        if isinstance(layer, dict) and isinstance(layer.get("inbound_nodes"), list):
            layer["inbound_nodes"] = [with_tensors_by_name(node) for node in layer["inbound_nodes"]]


def _name(layer: Any) -> str:
    if not isinstance(layer, dict):
        return ""
    return str(layer.get("name") or dict(layer.get("config") or {}).get("name", ""))


def _references(part: Any) -> Iterator[list[Any]]:
    """Yield the lists [layer, node, tensor, ...] by which a model's configuration names tensors."""
    if not isinstance(part, dict):
        return
    waiting = [part[key] for key in ("inbound_nodes", "input_layers", "output_layers") if key in part]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            if len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is type(value[2]) is int:  # noqa: PLR2004
                yield value
                waiting.extend(value[3:])
            else:
                waiting.extend(value)
