"""TensorFlow Lite Micro, what microcontrollers run, on this machine: `.tflite` files, one image at a time.

It is slow here, since its kernels are the portable ones. It shows that a file runs there, with which
answers and in how much memory.
"""

import threading

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite_micro import runtime

from ..artifact.tflite_file import metadata_of, tensor_spec, unpack
from ..errors import ArtifactError
from ..tensors import require_one
from .registry import Array, EngineOptions

KIND = "a TFLite model that TensorFlow Lite Micro can load"
# Far more than a model of the size that microcontrollers take needs beside its weights, which stay in the
# file.
_LARGEST_ARENA_BYTES = 16 << 20


class TfliteMicroEngine:
    """A model in a `tflite_micro.runtime.Interpreter`, which calls take in turns."""

    def __init__(self, content: bytes) -> None:
        model = unpack(content, schema)
        graph = model.subgraphs[0]
        self.input = require_one([tensor_spec(model, index, schema) for index in graph.inputs])
        self.output = require_one([tensor_spec(model, index, schema) for index in graph.outputs])
        self.metadata = metadata_of(model)
        self._interpreter = _interpreter(content, _LARGEST_ARENA_BYTES)
        self._lock = threading.Lock()

    def run(self, batch: Array) -> Array:
        """Return the raw output for a raw input batch."""
        with self._lock:
            images = np.split(batch, len(batch))
            return np.concatenate([_answer(self._interpreter, image) for image in images])

    def close(self) -> None:
        """Free the interpreter."""
        del self._interpreter


def load(content: bytes, _options: EngineOptions) -> TfliteMicroEngine:
    """Load a TFLite model; there is one thread, whatever the options say."""
    return TfliteMicroEngine(content)


def smallest_arena_bytes(name: str, content: bytes) -> int:
    """Return the size of the smallest arena that the model runs in: the memory for all but the weights."""
    model = unpack(content, schema)
    spec = tensor_spec(model, model.subgraphs[0].inputs[0], schema)
    image = np.zeros([size or 1 for size in spec.shape], spec.dtype)
    too_small, enough = 0, _LARGEST_ARENA_BYTES
    if not _runs(content, image, enough):
        raise ArtifactError(f"{name} does not run in TensorFlow Lite Micro")
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        too_small, enough = (too_small, middle) if _runs(content, image, middle) else (middle, enough)
    return enough


def _runs(content: bytes, image: Array, arena_bytes: int) -> bool:
    try:
        _answer(_interpreter(content, arena_bytes), image)
    except RuntimeError:
        return False
    return True


def _interpreter(content: bytes, arena_bytes: int) -> "runtime.Interpreter":
    return runtime.Interpreter.from_bytes(content, arena_size=arena_bytes)


def _answer(interpreter: "runtime.Interpreter", image: Array) -> Array:
    interpreter.set_input(image, 0)
    interpreter.invoke()
    output: Array = interpreter.get_output(0)
    return output
