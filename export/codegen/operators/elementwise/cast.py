"""CAST: of bytes without a sign to float32, which is how raw pixels enter a model of floats."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape, Step
from ...graph.rows import Rows
from .. import Operator


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (node.input(0).shape,)


def lower(node: Node, match: Match) -> Lowered:
    """Return the call of the kernel `cast_float`."""
    source, output = node.input(0), node.outputs[0]
    if (source.dtype, output.dtype) != ("uint8", "float32"):
        raise node.error(
            "there is no C for its element types",
            received=f"{source.dtype} to {output.dtype}",
            expected="uint8 to float32, or a constant",
        )
    require_cast(node, match)
    overlap = Rows.in_step(source.size, source.item_bytes, output.item_bytes)
    return [Step(node, "cast_float", {"size": source.size}, (source,), (output,), rows=(overlap,))]


def require_cast(node: Node, match: Match) -> None:
    """Check that the runtime casts raw pixels.

    Raises:
        ConversionError: It is TensorFlow Lite Micro.
    """
    if match is Match.TFLM:
        raise node.error(
            "TensorFlow Lite Micro casts no uint8", fix="Match LiteRT, or give the model floats."
        )


def fold(node: Node) -> tuple[NDArray[Any], ...] | None:
    """Return a constant in another type."""
    data = node.input(0).data
    return None if data is None else (np.asarray(data),)


OPERATOR = Operator(
    "CAST",
    shapes,
    lower,
    fold,
    element_types=("uint8 to float32",),
    int16="none (litert)",
    notes="of anything, if it is a constant",
)
