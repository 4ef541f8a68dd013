"""What every layer of a model outputs, one module for each form of file: Keras, TFLite, ONNX.

A trace runs a model on raw items, whatever the file's own input is: pixels, floats, or integers with a scale.
"""

from pathlib import Path

import numpy as np

from ....runtime.engines.registry import engine_for
from ....runtime.errors import ArtifactError, EdgeMnistError, MissingExtraError, first_line
from .keras import of_keras
from .onnx import of_onnx
from .tflite import of_tflite
from .trace import LayerOutput, Trace

__all__ = ["WATCHED", "LayerOutput", "Trace", "of_keras", "of_onnx", "of_tflite", "open_trace", "try_trace"]

WATCHED = (".keras", ".h5", ".hdf5", ".tflite", ".onnx")
_OPENERS = {"keras": of_keras, "litert": of_tflite, "onnxruntime": of_onnx}
_MAX_TENSORS = 20_000


def open_trace(path: Path, content: bytes) -> Trace:
    """Load a model whose file was read before.

    Raises:
        ArtifactError: It is no model, or has several inputs, or inputs without a fixed shape.
        MissingExtraError: The package that runs it is not installed.
    """
    entry = engine_for(path)
    if path.suffix not in WATCHED:
        raise ArtifactError(
            f"the layers of {path.name} cannot be watched",
            received=f"the suffix {path.suffix!r}",
            expected=f"one of {', '.join(WATCHED)}",
        )
    if not entry.available:
        raise MissingExtraError(entry.package, entry.extra, f"watching the layers of {path.name}")
    try:
        trace = _OPENERS[entry.name](path.name, content)
    except EdgeMnistError:
        raise
    except Exception as error:  # the engines raise what they like
        raise ArtifactError(f"{path.name} cannot be loaded", received=first_line(error)) from error
    if None in trace.input.shape[1:] or len(trace.layers) > _MAX_TENSORS:
        raise ArtifactError(
            f"the layers of {path.name} cannot be watched",
            received=f"an input of {trace.input.shape} and {len(trace.layers):,} layers",
            expected=f"an input that is fixed but for its batch, and at most {_MAX_TENSORS:,} layers",
        )
    return trace


def try_trace(path: Path, content: bytes) -> None:
    """Load a stranger's model and run it once: in a subprocess, which it may crash.

    Raises:
        ArtifactError: It does not run.
    """
    trace = open_trace(path, content)
    trace.values(np.zeros([1, *(axis or 1 for axis in trace.input.shape[1:])]).astype(trace.input.dtype))
