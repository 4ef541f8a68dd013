"""Activations as operators of their own: each byte's result is known, so all of them are a table."""

import math
from collections.abc import Callable

import numpy as np

from ...arithmetic import gemmlowp
from ...arithmetic.fixed_point import (
    Match,
    Multiplier,
    multiply,
    quantize_multiplier,
    round_half_away,
    rounded_shift,
)
from ...graph.ir import Lowered, Node, Shape, Step, Tensor
from ...graph.rows import Rows
from ...lowering.common import limits_of, lookup_table, raw_values, require
from .. import Operator

_BYTES = ("int8", "uint8")
_RELUS: dict[str, tuple[float, float | None]] = {
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}

Function = Callable[[Node, Tensor, Tensor, Match], list[int]]


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (node.input(0).shape,)


def _lower(results: Function, node: Node, match: Match) -> Lowered:
    source, output = node.input(0), node.outputs[0]
    require(node, source, _BYTES if match is Match.LITERT else ("int8",))
    require(node, output, (source.dtype,))
    low, high = limits_of(output.dtype)
    found = [min(max(result, low), high) for result in results(node, source, output, match)]
    table = lookup_table(found, source.dtype, "")
    rows = (Rows.in_step(source.size, 1, 1),)
    return [Step(node, "lookup", {"size": source.size}, (source,), (output,), (table,), {}, rows)]


def relu(node: Node, source: Tensor, output: Tensor, match: Match) -> list[int]:
    """RELU and its bounded forms: `QuantizedReluX`; TensorFlow Lite Micro's RELU6 does not rescale."""
    least, most = _RELUS[node.operator]
    if match is Match.TFLM and node.operator != "RELU":
        if node.operator != "RELU6":
            raise node.error("TensorFlow Lite Micro has no such operator")
        low, high = source.zero_point, source.zero_point + _quotient(6.0, source)
        return [min(max(raw, low), high) for raw in raw_values(source.dtype)]
    multiplier = quantize_multiplier(float(source.scale / output.scale))
    low = output.zero_point + _quotient(least, output)
    high = 2**31 if most is None else output.zero_point + _quotient(most, output)
    return [
        min(max(output.zero_point + multiply(raw - source.zero_point, multiplier), low), high)
        for raw in raw_values(source.dtype)
    ]


def _quotient(real: float, tensor: Tensor) -> int:
    return round_half_away(float(np.float32(real) / tensor.scale))


def leaky_relu(node: Node, source: Tensor, output: Tensor, _: Match) -> list[int]:
    """LEAKY_RELU: two multipliers, of single precision."""
    alpha = np.float32(node.options["alpha"])
    above = quantize_multiplier(float(source.scale / output.scale))
    below = quantize_multiplier(float(source.scale * alpha / output.scale))

    def result(value: int) -> int:
        return output.zero_point + multiply(value, above if value >= 0 else below)

    return [result(raw - source.zero_point) for raw in raw_values(source.dtype)]


def logistic(node: Node, source: Tensor, output: Tensor, match: Match) -> list[int]:
    """LOGISTIC: of single precision in LiteRT, in fixed point in TensorFlow Lite Micro."""
    zero, _ = limits_of(output.dtype)
    if output.zero_point != zero or output.scale != np.float32(1 / 256):
        raise node.error(
            "its output has not the scale of a LOGISTIC",
            received=f"{output.scale}, zero point {output.zero_point}",
            expected=f"1/256, zero point {zero}",
        )
    if match is Match.LITERT:
        return _in_single(source, output, lambda real: 1 / (1 + _exp(-real)))
    return _in_fixed_point(source, lambda value: rounded_shift(gemmlowp.logistic(value, 4), 23) - 128)


def tanh(_: Node, source: Tensor, output: Tensor, match: Match) -> list[int]:
    """TANH: of single precision in LiteRT, in fixed point in TensorFlow Lite Micro."""
    if match is Match.LITERT:
        return _in_single(source, output, lambda real: np.float32(math.tanh(real)))
    return _in_fixed_point(source, lambda value: rounded_shift(gemmlowp.tanh(value, 4), 24))


def _exp(real: np.float32) -> np.float32:
    return np.float32(math.exp(real)) if real < 88.7 else np.float32(np.inf)  # noqa: PLR2004 - where it overflows


def _in_single(source: Tensor, output: Tensor, function: Callable[[np.float32], np.float32]) -> list[int]:
    """Return a function's results as `LUTPopulate` calculates them."""
    inverse = np.float32(1) / output.scale
    return [
        round_half_away(
            float(np.float32(function(source.scale * np.float32(raw - source.zero_point))) * inverse)
        )
        + output.zero_point
        for raw in raw_values(source.dtype)
    ]


def _in_fixed_point(source: Tensor, function: Callable[[int], int]) -> list[int]:
    """Return a function's results as TensorFlow Lite Micro has them: 4 integer bits, the limits beyond."""
    multiplier = quantize_multiplier(float(source.scale) * 2**27)
    radius = (15 << 27) >> max(multiplier.exponent, 0)
    results = []
    for raw in raw_values(source.dtype):
        value = raw - source.zero_point
        if abs(value) >= radius:
            results.append(-(2**31) if value <= -radius else 2**31)
        else:
            results.append(function(multiply(value, multiplier)))
    return results


def hard_swish(node: Node, source: Tensor, output: Tensor, _: Match) -> list[int]:
    """HARD_SWISH: in 16-bit fixed point."""
    fine = np.float32(1 / 128) * source.scale
    to_output = quantize_multiplier(float(fine / output.scale))
    to_relu = quantize_multiplier(float(fine / np.float32(3 / 32768)))
    if to_output.exponent > 0:
        raise node.error("its output's scale is too small for its input's", received=output.scale)

    def result(value: int) -> int:
        value <<= 7
        relu = _relu_ish(value, to_relu)
        product = relu * _high_product16(value, _short(to_output))
        before = -(-product >> 15) if product < 0 else product >> 15
        return rounded_shift(before, -to_output.exponent) + output.zero_point

    return [result(raw - source.zero_point) for raw in raw_values(source.dtype)]


def _relu_ish(value: int, multiplier: Multiplier) -> int:
    """Return (value / 3 + 1) / 2 from 0 to 1, 15 fraction bits."""
    exponent = multiplier.exponent
    if exponent > 0:
        value = _saturated16(value << (exponent - 1))
    value = _high_product16(value, _short(multiplier))
    value = _saturated16(value << 1) if exponent > 0 else rounded_shift(value, -exponent)
    return (value + (1 << 15)) >> 1


def _short(multiplier: Multiplier) -> int:
    """Return a multiplier's 16 high bits, rounded."""
    return min((multiplier.value + (1 << 15)) >> 16, 2**15 - 1)


def _high_product16(a: int, b: int) -> int:
    return _saturated16((a * b + (1 << 14)) >> 15)


def _saturated16(value: int) -> int:
    return min(max(value, -(2**15)), 2**15 - 1)


_FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys(_RELUS, relu),
    "LEAKY_RELU": leaky_relu,
    "LOGISTIC": logistic,
    "TANH": tanh,
    "HARD_SWISH": hard_swish,
}


def _operator(name: str, function: Function) -> Operator:
    return Operator(
        name, shapes, lambda node, match: _lower(function, node, match), element_types=_BYTES, notes="a table"
    )


OPERATORS = tuple(_operator(name, function) for name, function in _FUNCTIONS.items())
