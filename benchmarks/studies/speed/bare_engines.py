"""The engines without this project: one call, and whole programs from their start to the first answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Call = Callable[[NDArray[Any]], Any]
_PREDICTOR_START = """
import sys
import numpy as np
from edgemnist.runtime import load_predictor
assert load_predictor(sys.argv[1]).predict(np.zeros((28, 28), np.uint8)).confidences.shape == (1,)
"""
_ONNXRUNTIME_START = """
import sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
session.run(None, {session.get_inputs()[0].name: np.zeros((1, 28, 28), np.uint8)})
"""
_LITERT_START = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1])
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.zeros((1, 28, 28), np.uint8))
interpreter.invoke()
interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
"""
_KERAS_START = """
import sys
import numpy as np
import keras
np.asarray(keras.saving.load_model(sys.argv[1])(np.zeros((1, 28, 28), np.float32)))
"""
STARTS = {
    "bare onnxruntime": (_ONNXRUNTIME_START, "mnist.float32.onnx"),
    "edgemnist, .onnx": (_PREDICTOR_START, "mnist.float32.onnx"),
    "bare LiteRT": (_LITERT_START, "mnist.int8.tflite"),
    "edgemnist, .tflite": (_PREDICTOR_START, "mnist.int8.tflite"),
    "Keras": (_KERAS_START, "mnist.keras"),
}


def bare_call(path: Path, batch_size: int) -> Call:
    """Return the quickest public way to run a model on a prepared raw batch of that size."""
    if path.suffix == ".onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        input_name, output_names = session.get_inputs()[0].name, [session.get_outputs()[0].name]
        return lambda batch: session.run(output_names, {input_name: batch})[0]
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    input_index = interpreter.get_input_details()[0]["index"]
    shape = interpreter.get_input_details()[0]["shape"]
    interpreter.resize_tensor_input(input_index, np.array([batch_size, *shape[1:]]))
    interpreter.allocate_tensors()
    output_index = interpreter.get_output_details()[0]["index"]

    def call(batch: NDArray[Any]) -> Any:
        interpreter.set_tensor(input_index, batch)
        interpreter.invoke()
        return interpreter.get_tensor(output_index)

    return call
