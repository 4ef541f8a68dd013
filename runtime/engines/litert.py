"""LiteRT, formerly TensorFlow Lite: `.tflite` files."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ..errors import ArtifactError, EngineError
from ..tensors import TensorSpec
from . import Array, EngineOptions

_FILE_IDENTIFIER = b"TFL3"


class LiteRtEngine:
    """A model in an `ai_edge_litert.interpreter.Interpreter` with its XNNPACK kernels.

    The interpreter is not safe to share between threads, so calls take turns.
    """

    def __init__(self, interpreter: Any) -> None:
        signature = interpreter.get_signature_list().get("serving_default", {})
        self.input = _tensor(interpreter.get_input_details(), signature.get("inputs"))
        self.output = _tensor(interpreter.get_output_details(), signature.get("outputs"))
        self.metadata: dict[str, str] = {}
        self._interpreter = interpreter
        self._input_index: int = interpreter.get_input_details()[0]["index"]
        self._output_index: int = interpreter.get_output_details()[0]["index"]
        self._batch_size = 0
        self._lock = threading.Lock()

    def run(self, batch: Array) -> Array:
        """Return the raw output for a raw input batch."""
        with self._lock:
            if len(batch) != self._batch_size:
                self._resize(batch)
            self._interpreter.set_tensor(self._input_index, batch)
            self._interpreter.invoke()
            output: Array = self._interpreter.get_tensor(self._output_index)
        return output

    def close(self) -> None:
        """Free the interpreter."""
        del self._interpreter

    def _resize(self, batch: Array) -> None:
        try:
            self._interpreter.resize_tensor_input(self._input_index, batch.shape)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            self._batch_size = 0
            raise EngineError(
                "LiteRT cannot run this batch", received=f"shape {batch.shape}: {error}"
            ) from error
        self._batch_size = len(batch)


def load(path: Path, options: EngineOptions) -> LiteRtEngine:
    """Load a TFLite model for the CPU."""
    content = path.read_bytes()
    if content[4:8] != _FILE_IDENTIFIER:
        raise ArtifactError(
            f"{path.name} is not a TFLite model",
            received=f"{len(content)} bytes with the file identifier {content[4:8]!r}",
            expected=repr(_FILE_IDENTIFIER),
        )
    try:
        interpreter = Interpreter(model_content=content, num_threads=options.num_threads)
    except (RuntimeError, ValueError) as error:
        raise ArtifactError(
            f"{path.name} is not a TFLite model that LiteRT can load", received=str(error).strip()
        ) from error
    return LiteRtEngine(interpreter)


def _tensor(details: list[dict[str, Any]], signature_names: list[str] | None) -> TensorSpec:
    if len(details) != 1:
        raise ArtifactError(
            "the model does not keep the artifact contract",
            received=f"{len(details)} tensors ({', '.join(detail['name'] for detail in details)})",
            expected="one input and one output",
        )
    detail = details[0]
    scale, zero_point = detail["quantization"]
    return TensorSpec(
        signature_names[0] if signature_names else detail["name"],
        np.dtype(detail["dtype"]).name,
        tuple(None if axis < 0 else int(axis) for axis in detail["shape_signature"]),
        float(scale),
        int(zero_point),
    )
