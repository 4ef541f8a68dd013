"""What CONV_2D and DEPTHWISE_CONV_2D share: both move filters over images, and round twice."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import quantize_multiplier, rounding_twice
from ..graph.ir import Node, Shape, Step, Table, Value
from .common import activation_range, output_size, pad_before, window_rows
from .sums import checked_bias, exponents, multiplier_values


def convolution_shape(node: Node, channels: int) -> Shape:
    """Return the shape of the output, of so many channels."""
    batches, height, width, _ = node.input(0).shape
    _, taps_y, taps_x, _ = node.input(1).shape
    options = node.options
    rows = output_size(options["padding"], height, taps_y, options["strideH"], options["dilationHFactor"])
    columns = output_size(options["padding"], width, taps_x, options["strideW"], options["dilationWFactor"])
    return batches, rows, columns, channels


def convolution_step(
    node: Node, kernel: str, weights: NDArray[np.int8], rows: NDArray[np.int8], more: Mapping[str, int]
) -> Step:
    """Return the call of a convolution's kernel. LiteRT and TensorFlow Lite Micro round alike, twice.

    Args:
        node: The layer.
        kernel: The kernel.
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
        "rounding": int(rounding_twice(multipliers)),
        "backward": 0,
        **more,
    }
    tables = (
        Table("weights", weights, node.input(1).name),
        Table("bias", checked_bias(node, rows).astype(np.int32)),
        multiplier_values(multipliers),
        exponents(multipliers),
    )
    overlap = window_rows(source, output, stride_y, pad_y, (taps_y - 1) * dilation_y + 1)
    values: dict[str, Value] = {"offset": -source.zero_point, "range": activation_range(node, output)}
    return Step(node, kernel, shape, (source,), (output,), tables, values, (overlap,))
