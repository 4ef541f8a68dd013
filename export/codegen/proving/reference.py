"""What the runtimes give whose bytes the C has to give: LiteRT's reference kernels, TensorFlow Lite Micro."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....runtime.errors import ConversionError, MissingExtraError
from ....runtime.process import quiet
from ..arithmetic.fixed_point import Match
from ..graph.importing import read_graph, with_version
from ..graph.ir import Graph

_TOO_NEW = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """Inputs and the runtime's outputs.

    Attributes:
        inputs: One array for each input of the model, `(N, *shape)`.
        outputs: One array for each output, `(N, *shape)`.
    """

    inputs: Arrays
    outputs: Arrays


def random_inputs(graph: Graph, count: int, seed: int = 0) -> Arrays:
    """Return seeded inputs: raw integers of the whole range, or float32 around 0.

    Args:
        graph: The normalized graph.
        count: How many.
        seed: Of the generator.
    """
    generator = np.random.default_rng(seed)
    return tuple(
        generator.normal(size=(count, *tensor.shape)).astype(np.float32)
        if tensor.dtype == "float32"
        else generator.integers(
            np.iinfo(tensor.dtype).min, np.iinfo(tensor.dtype).max, (count, *tensor.shape), tensor.dtype, True
        )
        for tensor in graph.inputs
    )


def run_reference(content: bytes, inputs: Arrays, match: Match) -> Golden:
    """Run the runtime whose bytes the C has to give.

    Args:
        content: The TFLite file.
        inputs: One array for each input of the model, `(N, *shape)`.
        match: Which runtime.

    Raises:
        ConversionError: The runtime cannot run the model.
        MissingExtraError: It is not installed.
    """
    run = _litert(content) if match is Match.LITERT else _tflm(content)
    found = [run([array[number] for array in inputs]) for number in range(len(inputs[0]))]
    return Golden(inputs, tuple(np.stack(arrays) for arrays in zip(*found, strict=True)))


def _litert(content: bytes) -> Any:
    interpreter = reference_interpreter(content)
    ends = interpreter.get_input_details(), interpreter.get_output_details()

    def run(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        for detail, array in zip(ends[0], arrays, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        return [interpreter.get_tensor(detail["index"]) for detail in ends[1]]

    return run


def reference_interpreter(content: bytes, **options: Any) -> Any:
    """Return LiteRT's interpreter with its reference kernels, ready to run.

    LiteRT 2.3 knows some operators' newest versions with its optimized kernels only, TILE 3 for one, though
    the kernel is the same: the reference kernel is then asked for by an older version's number.

    Raises:
        ConversionError: It cannot run the model.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    while True:
        try:
            with quiet():
                interpreter = Interpreter(
                    model_content=content,
                    experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                    **options,
                )
                interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            newer = _TOO_NEW.search(str(error))
            if newer is None or int(newer[2]) <= 1:
                raise ConversionError("LiteRT cannot run the model", received=error) from error
            content = with_version(content, newer[1], int(newer[2]) - 1)
        else:
            return interpreter


def _tflm(content: bytes) -> Any:
    try:
        from tflite_micro import runtime
    except ImportError as error:
        raise MissingExtraError("tflite_micro", "micro", "matching TensorFlow Lite Micro") from error
    try:
        with quiet():
            interpreter = runtime.Interpreter.from_bytes(content)
    except Exception as error:  # the binding raises whatever its interpreter ended with
        raise ConversionError("TensorFlow Lite Micro cannot run the model", received=error) from error

    count = len(read_graph(content).outputs)

    def run(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        for number, array in enumerate(arrays):
            interpreter.set_input(array, number)
        interpreter.invoke()
        return [interpreter.get_output(number) for number in range(count)]

    return run
