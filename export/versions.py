"""The versions of what has a part in a model's or an artifact's bytes. Needs no TensorFlow."""

from importlib.metadata import PackageNotFoundError, version

from ..runtime.errors import MissingExtraError

_TOOLS = ("edgemnist", "tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")


def tool_versions() -> dict[str, str]:
    """Return the versions of everything that has a part in an artifact's bytes.

    Raises:
        MissingExtraError: One of them is not installed.
    """
    try:
        return {tool: version(tool) for tool in _TOOLS}
    except PackageNotFoundError as error:
        raise MissingExtraError(str(error.name), "export", "Training and export") from error
