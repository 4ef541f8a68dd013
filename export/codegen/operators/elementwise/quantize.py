"""QUANTIZE and DEQUANTIZE."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match, multiply, quantize_multiplier
from ...graph.ir import Alias, Lowered, Node, Shape, Step, Struct, Value
from ...graph.rows import Rows
from ...lowering.common import limits_of, lookup_table, raw_values, require
from .. import Operator

_FLIP = 128
_BYTES = ("int8", "uint8")


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (node.input(0).shape,)


def quantize(node: Node, _: Match) -> Lowered:
    """Return a table's lookup, or the call of the kernel `quantize_float`."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("float32", *_BYTES))
    require(node, output, _BYTES)
    if source.dtype == "float32":
        flip = _FLIP if output.dtype == "uint8" else 0
        shape = {"size": source.size, "flip": flip}
        values: dict[str, Value] = {
            "step": float(output.scale),
            "range": Struct("range", (output.zero_point - flip, -128, 127)),
        }
        overlap = Rows.in_step(source.size, source.item_bytes, 1)
        return [Step(node, "quantize_float", shape, (source,), (output,), (), values, (overlap,))]
    if (source.dtype, source.scale, source.zero_point) == (output.dtype, output.scale, output.zero_point):
        return [Alias(node, source, output)]
    multiplier = quantize_multiplier(float(source.scale) / float(output.scale))
    low, high = limits_of(output.dtype)
    results = [
        min(max(multiply(raw - source.zero_point, multiplier) + output.zero_point, low), high)
        for raw in raw_values(source.dtype)
    ]
    return [lookup(node, results)]


def dequantize(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `dequantize`."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, _BYTES)
    require(node, output, ("float32",))
    flip = _FLIP if source.dtype == "uint8" else 0
    shape = {"size": source.size, "flip": flip}
    values = {"step": float(source.scale), "zero": source.zero_point - flip}
    overlap = Rows.in_step(source.size, 1, output.item_bytes)
    return [Step(node, "dequantize", shape, (source,), (output,), (), values, (overlap,))]


def lookup(node: Node, results: list[int]) -> Step:
    """Return the call of `lookup` with an operator's results for all raw inputs, in rising order."""
    source, output = node.input(0), node.outputs[0]
    table = lookup_table(results, source.dtype, "")
    overlap = Rows.in_step(source.size, 1, 1)
    return Step(node, "lookup", {"size": source.size}, (source,), (output,), (table,), {}, (overlap,))


def _folded(node: Node) -> tuple[NDArray[Any], ...] | None:
    source = node.input(0)
    if source.data is None or len(source.scales) != 1 or source.dtype not in _BYTES:
        return None
    return ((source.data.astype(np.float32) - np.float32(source.zero_point)) * source.scale,)


OPERATORS = (
    Operator(
        "QUANTIZE",
        shapes,
        quantize,
        element_types=("float32", "int8", "uint8"),
        rounding="twice; from float32 half away",
    ),
    Operator("DEQUANTIZE", shapes, dequantize, _folded, element_types=("int8", "uint8")),
)
