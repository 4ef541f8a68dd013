"""What CONV_2D and DEPTHWISE_CONV_2D share: both move filters over images, and round twice."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import Match, quantize_multiplier, rounding_twice
from ..graph.ir import Node, Shape, Step, Table, Value
from .common import activation_range, of_width, output_size, pad_before, window_rows
from .sums import checked_bias, exponents, multiplier_values
from .wide_sums import reduced, wide_bias, wide_reach


def convolution_shape(node: Node, channels: int) -> Shape:
    """Return the shape of the output, of so many channels."""
    batches, height, width, _ = node.input(0).shape
    _, taps_y, taps_x, _ = node.input(1).shape
    options = node.options
    rows = output_size(options["padding"], height, taps_y, options["strideH"], options["dilationHFactor"])
    columns = output_size(options["padding"], width, taps_x, options["strideW"], options["dilationWFactor"])
    return batches, rows, columns, channels


def convolution_step(
    node: Node,
    kernel: str,
    match: Match,
    weights: NDArray[np.int8],
    rows: NDArray[np.int8],
    more: Mapping[str, int],
) -> Step:
    """Return the call of a convolution's kernel. LiteRT and TensorFlow Lite Micro round alike, twice.

    Args:
        node: The layer.
        kernel: The kernel for 8 bits.
        match: Whose bytes it gives.
        weights: The weights as the kernel's table has them.
        rows: `(channels, taps)`, the same weights.
        more: Fields of the kernel's struct that only this one has.
    """
    source, output, options = node.input(0), node.outputs[0], node.options
    batches, height, width, input_channels = source.shape
    _, taps_y, taps_x, _ = node.input(1).shape
    multipliers = [
        quantize_multiplier(float(source.scale) * float(scale) / float(output.scale))
        for scale in np.resize(node.input(1).scales, len(rows))
    ]
    stride_y, stride_x = options["strideH"], options["strideW"]
    dilation_y, dilation_x = options["dilationHFactor"], options["dilationWFactor"]
    pad_y = pad_before(options["padding"], height, taps_y, stride_y, dilation_y)
    shape = {
        "batches": batches,
        "input_height": height,
        "input_width": width,
        "input_channels": input_channels,
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "output_channels": len(rows),
        "height": taps_y,
        "width": taps_x,
        "stride_y": stride_y,
        "stride_x": stride_x,
        "dilation_y": dilation_y,
        "dilation_x": dilation_x,
        "pad_y": pad_y,
        "pad_x": pad_before(options["padding"], width, taps_x, stride_x, dilation_x),
        "backward": 0,
        **more,
    }
    overlap = window_rows(source, output, stride_y, pad_y, (taps_y - 1) * dilation_y + 1)
    values: dict[str, Value] = {"range": activation_range(node, output)}
    table = Table("weights", weights, node.input(1).name)
    if source.dtype == "int16":
        bias, narrow = wide_bias(node, len(rows), match)
        wide_reach(node, rows, bias)
        scaling = reduced(node, multipliers, narrow=narrow)
        shape["rounding"] = int(scaling.rounding)
        wide = (table, Table("bias", bias), *scaling.tables())
        return Step(node, of_width(kernel, source), shape, (source,), (output,), wide, values, (overlap,))
    shape["rounding"] = int(rounding_twice(multipliers))
    values["offset"] = -source.zero_point
    tables = (
        table,
        Table("bias", checked_bias(node, rows).astype(np.int32)),
        multiplier_values(multipliers),
        exponents(multipliers),
    )
    return Step(node, kernel, shape, (source,), (output,), tables, values, (overlap,))
