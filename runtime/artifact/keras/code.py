"""Code in a Keras model's configuration is refused.

The configuration is JSON that names classes and their arguments. Keras looks the classes up and calls them,
which is harmless as long as they are its own layers: not those that unpickle, unmarshal or read files.
"""

from collections.abc import Callable, Collection
from typing import Any

from ...errors import ArtifactError
from .config import Config

_CODE = {"Lambda", "__lambda__", "__typespec__", "TypeSpec", "CompositeTensor"}
# Layers that load a program or another file; some did so in safe mode (CVE-2025-49655, CVE-2025-12058).
_FOREIGN = {
    "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "StringLookup", "IntegerLookup",
    "TextVectorization", "HashedCrossing", "FeatureSpace",
}  # fmt: skip
_VALUES = {
    "__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__",
    "TensorShape",
}  # fmt: skip
_GONE = {"ThresholdedReLU", "LocallyConnected1D", "LocallyConnected2D", "CuDNNLSTM", "CuDNNGRU", "TFOpLambda"}


def check(config: Config, is_known: Callable[[str], bool], functions: Collection[str]) -> None:
    """Check that a configuration is made of Keras' own parts, none of which carries code.

    Args:
        config: The configuration, mended.
        is_known: Whether Keras has a class of a name that may be part of a model.
        functions: The names of Keras' activation functions.

    Raises:
        ArtifactError: It is not.
    """
    waiting: list[Any] = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            if "class_name" in value:
                _check_class(value, is_known, functions)
            for key, function in value.items():
                if key.endswith("activation") and isinstance(function, str) and function not in functions:
                    raise _custom(f"the activation function {function!r}")


def _check_class(found: Config, is_known: Callable[[str], bool], functions: Collection[str]) -> None:
    kind, module = found["class_name"], found.get("module")
    registered, config = found.get("registered_name"), found.get("config")
    called = f"{kind} {config['name']!r}" if isinstance(config, dict) and "name" in config else str(kind)
    if kind in _CODE:
        raise ArtifactError(
            "the model carries Python code, which is not run",
            received=f"the layer {called}",
            expected="layers of Keras itself",
            fix="Replace it by layers such as Rescaling or Activation, or by functions of keras.ops in the"
            " model, and save it again.",
        )
    if kind in _FOREIGN:
        raise ArtifactError(
            "the model has a layer that loads another file or program",
            received=f"the layer {called}",
            expected="layers that compute",
            fix="Cut the layer off the model, and save it again.",
        )
    if kind in _VALUES:
        return
    if kind in _GONE:
        raise ArtifactError(
            "the model has a layer that Keras 3 no longer has",
            received=f"the layer {called}",
            expected="layers of Keras 3",
            fix="Replace it with the version of Keras that wrote the file, and save the model again.",
        )
    if kind == "function":
        if config not in functions or (registered or config) != config:
            raise _custom(f"the function {config!r}")
        return
    foreign = module is not None and (not isinstance(module, str) or module.partition(".")[0] != "keras")
    if not isinstance(kind, str) or foreign or (registered or kind) != kind:
        raise _custom(f"the class {registered or kind!r} of {module or 'the model'}")
    if not (is_known(kind) or (module or "").startswith("keras.src.ops.")):
        raise _custom(f"the class {kind!r}")


def _custom(what: str) -> ArtifactError:
    return ArtifactError(
        "the model needs code that is not in the file",
        received=what,
        expected="layers and functions of Keras itself",
        fix="Replace custom layers and functions by Keras' own, and save the model again; or convert it to"
        " .tflite or .onnx where its code is.",
    )
