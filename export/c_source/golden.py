"""What LiteRT's reference kernels give for images: what the C code has to give, byte by byte."""

from dataclasses import dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from ...proof.quiet import quiet
from ...runtime.tensors import pixel_table
from .graph import Graph


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """Images and the reference kernels' answers.

    Attributes:
        images: `(N, *image shape)` uint8.
        logits: `(N, classes)` int8, what goes into the last softmax.
        probabilities: `(N, classes)` uint8, in steps of 1/256.
    """

    images: NDArray[np.uint8]
    logits: NDArray[np.int8]
    probabilities: NDArray[np.uint8]


def reference(content: bytes, graph: Graph, images: NDArray[np.uint8]) -> Golden:
    """Run LiteRT's reference kernels, not its optimized ones, which round differently.

    Args:
        content: The full-integer TFLite file.
        graph: The same, read.
        images: `(N, *image shape)` uint8.
    """
    takes = next(node.inputs[0] for node in reversed(graph.nodes) if node.name == "SOFTMAX")
    name = takes.name if takes else ""
    table = pixel_table(graph.contract.input)
    with quiet():
        interpreter = Interpreter(
            model_content=content,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
        )
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(index, images if table is None else table[images])
        interpreter.invoke()
        given = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        found = next(detail for detail in interpreter.get_tensor_details() if detail["name"] == name)
        values = interpreter.get_tensor(found["index"])
    probabilities = given if given.dtype == np.uint8 else given.view(np.uint8) ^ 0x80
    return Golden(images, values.reshape(len(images), -1), probabilities)
