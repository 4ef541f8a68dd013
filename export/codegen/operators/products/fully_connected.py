"""FULLY_CONNECTED."""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...arithmetic.fixed_point import (
    Match,
    Multiplier,
    Rounding,
    quantize_multiplier,
    round_once,
    rounding_twice,
)
from ...graph.ir import Lowered, Node, Shape, Step, Table
from ...graph.rows import Rows
from ...lowering.common import activation_limits, activation_range, interleave, require
from ...lowering.sums import bias_of, exponents, multiplier_values, reach_of, symmetric_weights
from .. import Operator


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape: the last axis replaced, or two axes."""
    source, (channels, inputs) = node.input(0), node.input(1).shape
    if inputs == 0 or source.size % inputs:
        raise node.error(
            "its input does not fill rows of its weights", received=f"{source.shape} by {inputs}"
        )
    if node.options.get("keepNumDims") and source.shape[-1] == inputs:
        return ((*source.shape[:-1], channels),)
    return ((source.size // inputs, channels),)


def lower(node: Node, match: Match) -> Lowered:
    """Return the call of the kernel `fully_connected`."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8", "uint8"))  # uint8 where `unsigned` has taken a QUANTIZE away
    require(node, output, ("int8",))
    if node.options.get("weightsFormat"):
        raise node.error("its weights are shuffled", expected="the default format")
    rows = symmetric_weights(node, output.shape[-1], 0)
    channels, inputs = rows.shape
    bias = bias_of(node, channels)
    folded = bias - source.zero_point * rows.astype(np.int64).sum(axis=1)
    reach = reach_of(node, rows, np.maximum(abs(bias), abs(folded)))
    multipliers, rounding = _multipliers(node, reach, match)
    batches = source.size // inputs
    shape = {"batches": batches, "inputs": inputs, "outputs": channels, "rounding": int(rounding)}
    tables = (
        Table("weights", interleave(rows), node.input(1).name),
        Table("bias", folded.astype(np.int32), f"less {source.zero_point} times the weights"),
        multiplier_values(multipliers),
        exponents(multipliers),
    )
    overlap = Rows(channels, np.arange(batches, dtype=np.int64) * inputs)
    values = {"range": activation_range(node, output)}
    kernel = "fully_connected" if source.dtype == "int8" else "fully_connected_uint8"
    return [Step(node, kernel, shape, (source,), (output,), tables, values, (overlap,))]


def _multipliers(node: Node, reach: NDArray[np.int64], match: Match) -> tuple[Sequence[Multiplier], Rounding]:
    """Return the multipliers as LiteRT's reference rounds, once in double precision, or as all others do.

    TensorFlow Lite Micro multiplies the scales in double precision where there is one for each channel
    (`PopulateConvolutionQuantizationParams`), and in single precision where there is one for all
    (`GetQuantizedConvolutionMultipler`, spelled so).
    """
    source, output, weights = node.input(0), node.outputs[0], node.input(1)
    if match is Match.LITERT:
        factors = np.resize(
            np.float64(source.scale) * weights.scales.astype(np.float64) / np.float64(output.scale),
            len(reach),
        )
        low, high = activation_limits(node, schema.ActivationFunctionType.NONE, output)
        try:
            return round_once(factors, reach, low - output.zero_point, high - output.zero_point)
        except ValueError as error:
            raise node.error(str(error)) from error
    if len(weights.scales) == 1:
        single = [float(source.scale * weights.scale) / float(output.scale)] * len(reach)
    else:
        single = [float(source.scale) * float(scale) / float(output.scale) for scale in weights.scales]
    multipliers = [quantize_multiplier(factor) for factor in single]
    return multipliers, rounding_twice(multipliers)


OPERATOR = Operator(
    "FULLY_CONNECTED",
    shapes,
    lower,
    rounding="once (litert), twice (tflm)",
    notes="constant weights; several rows",
)
