"""Arithmetic on shapes, which is done before anything runs: converters write it for dynamic batches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.ir import Node, Shape
from .. import Operator

_NOTES = "folded away; constant inputs only"


def _shape(node: Node) -> NDArray[Any]:
    return np.asarray(node.input(0).shape)


def _gather(node: Node) -> NDArray[Any]:
    if node.options.get("batchDims"):
        raise node.error("there is no C for batches of indices")
    taken: NDArray[Any] = np.take(node.constant(0), node.constant(1), axis=node.options["axis"])
    return taken


def _product(node: Node) -> NDArray[Any]:
    axes = tuple(int(axis) for axis in node.constant(1).ravel())
    product: NDArray[Any] = np.prod(node.constant(0), axis=axes, keepdims=bool(node.options.get("keepDims")))
    return product


def _cast(node: Node) -> NDArray[Any]:
    return node.constant(0)


def _filled(node: Node) -> NDArray[Any]:
    return np.full([int(size) for size in node.constant(0).ravel()], node.constant(1).ravel()[0])


def _range(node: Node) -> NDArray[Any]:
    return np.arange(*(node.constant(position).ravel()[0] for position in range(3)))


_FOLDS = {
    "SHAPE": _shape,
    "GATHER": _gather,
    "REDUCE_PROD": _product,
    "CAST": _cast,
    "FILL": _filled,
    "RANGE": _range,
}


def fold(node: Node) -> tuple[NDArray[Any], ...]:
    """Return the output's value.

    Raises:
        ConversionError: An input is computed at run time.
    """
    return (_FOLDS[node.operator](node),)


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return tuple(value.shape for value in fold(node))


OPERATORS = tuple(
    Operator(name, shapes, None, fold, element_types=("int32", "int64"), notes=_NOTES) for name in _FOLDS
)
