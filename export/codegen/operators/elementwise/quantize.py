"""QUANTIZE and DEQUANTIZE."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match, multiply, quantize_multiplier, round_half_away
from ...graph.ir import Alias, Lowered, Node, Shape, Step, Struct, Tensor, Value
from ...graph.rows import Rows
from ...graph.tabulated import CHAIN, real_values
from ...lowering.common import limits_of, lookup_table, of_width, raw_values, require
from ...lowering.elements_int16 import rescale
from .. import Operator
from .cast import require_cast

_FLIP = 128
_FAR = np.float32(2**17)  # beyond all integers of 16 bits
_BYTES = ("int8", "uint8")
_INTEGERS = (*_BYTES, "int16")


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (node.input(0).shape,)


def quantize(node: Node, match: Match) -> Lowered:
    """Return a table's lookup, or the call of the kernel `quantize_float` or `rescale`."""
    source, output = node.input(0), node.outputs[0]
    if CHAIN in node.options:
        require(node, output, _INTEGERS)
        require_cast(node, match)
        return [lookup(node, _of_real_values(real_values(node.options[CHAIN]), output))]
    require(node, source, ("float32", *_INTEGERS))
    require(node, output, ("int8", "int16") if source.dtype == "int16" else _INTEGERS)
    if source.dtype == "float32":
        flip, signed = (_FLIP, "int8") if output.dtype == "uint8" else (0, output.dtype)
        shape = {"size": source.size, "flip": flip}
        values: dict[str, Value] = {
            "step": float(output.scale),
            "range": Struct("range", (output.zero_point - flip, *limits_of(signed))),
        }
        overlap = Rows.in_step(source.size, source.item_bytes, output.item_bytes)
        kernel = of_width("quantize_float", output)
        return [Step(node, kernel, shape, (source,), (output,), (), values, (overlap,))]
    if (source.dtype, source.scale, source.zero_point) == (output.dtype, output.scale, output.zero_point):
        return [Alias(node, source, output)]
    multiplier = quantize_multiplier(float(source.scale) / float(output.scale))
    if source.dtype == "int16":
        return [rescale(node, multiplier, multiplier, limits_of(output.dtype))]
    low, high = limits_of(output.dtype)
    results = [
        min(max(multiply(raw - source.zero_point, multiplier) + output.zero_point, low), high)
        for raw in raw_values(source.dtype)
    ]
    return [lookup(node, results)]


def dequantize(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `dequantize`."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, _INTEGERS)
    require(node, output, ("float32",))
    shape = {"size": source.size, "is_unsigned": int(source.dtype == "uint8")}
    values = {"step": float(source.scale), "zero": source.zero_point}
    overlap = Rows.in_step(source.size, source.item_bytes, output.item_bytes)
    kernel = of_width("dequantize", source)
    return [Step(node, kernel, shape, (source,), (output,), (), values, (overlap,))]


def _of_real_values(values: NDArray[np.float32], output: Tensor) -> list[int]:
    """Return them quantized, halves away from zero."""
    low, high = limits_of(output.dtype)
    with np.errstate(all="ignore"):
        quotients = np.nan_to_num(values / output.scale).clip(-_FAR, _FAR).astype(np.float64).tolist()
    return [min(max(round_half_away(one) + output.zero_point, low), high) for one in quotients]


def lookup(node: Node, results: list[int]) -> Step:
    """Return the call of `lookup` with an operator's results for all raw inputs, in rising order."""
    source, output = node.input(0), node.outputs[0]
    table = lookup_table(results, source.dtype, "", 8 * output.item_bytes)
    overlap = Rows.in_step(source.size, 1, output.item_bytes)
    kernel = of_width("lookup", output)
    return Step(node, kernel, {"size": source.size}, (source,), (output,), (table,), {}, (overlap,))


def _folded(node: Node) -> tuple[NDArray[Any], ...] | None:
    source = node.input(0)
    if source.data is None or len(source.scales) != 1 or source.dtype not in _INTEGERS:
        return None
    return ((source.data.astype(np.float32) - np.float32(source.zero_point)) * source.scale,)


OPERATORS = (
    Operator(
        "QUANTIZE",
        shapes,
        quantize,
        element_types=("float32", "int8", "uint8"),
        rounding="twice; from float32 half away",
        int16="twice; from float32 half away",
    ),
    Operator("DEQUANTIZE", shapes, dequantize, _folded, element_types=("int8", "uint8"), int16="none"),
)
