"""What a programmer writes without edgemnist: the engines called directly, one thread, no spinning."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Call = Callable[[NDArray[Any]], NDArray[Any]]


def bare_call(path: Path, batch_size: int) -> Call:
    """Return the quickest public way to run a model on a prepared raw batch of that size."""
    return {".onnx": _onnxruntime, ".tflite": _litert}[path.suffix](path, batch_size)


def _onnxruntime(path: Path, _batch_size: int) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    input_name = session.get_inputs()[0].name
    output_names = [session.get_outputs()[0].name]

    def call(batch: NDArray[Any]) -> NDArray[Any]:
        output: NDArray[Any] = session.run(output_names, {input_name: batch})[0]
        return output

    return call


def _litert(path: Path, batch_size: int) -> Call:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    given, taken = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.resize_tensor_input(given["index"], np.array([batch_size, *given["shape"][1:]]))
    interpreter.allocate_tensors()
    input_index, output_index = given["index"], taken["index"]

    def call(batch: NDArray[Any]) -> NDArray[Any]:
        interpreter.set_tensor(input_index, batch)
        interpreter.invoke()
        output: NDArray[Any] = interpreter.get_tensor(output_index)
        return output

    return call
