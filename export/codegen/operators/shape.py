"""SHAPE: known before anything runs, since shapes are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ir import Node, Shape
from . import Operator


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return ((len(node.input(0).shape),),)


def fold(node: Node) -> tuple[NDArray[Any], ...]:
    """Return the shape of the input."""
    return (np.asarray(node.input(0).shape, node.outputs[0].dtype),)


OPERATOR = Operator(
    "SHAPE", shapes, None, fold, element_types=("any",), notes="folded away, with the arithmetic on it"
)
