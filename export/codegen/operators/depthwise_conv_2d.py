"""DEPTHWISE_CONV_2D."""

import numpy as np

from ..fixed_point import Match, quantize_multiplier, rounding_twice
from ..ir import Lowered, Node, Shape, Step, Table, Value
from ..lowering import activation_range, output_size, pad_before, require, window_rows
from ..sums import checked_bias, exponents, multiplier_values, symmetric_weights
from . import Operator

_CHANNELS = 3


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    batches, height, width, _ = node.input(0).shape
    _, taps_y, taps_x, channels = node.input(1).shape
    options = node.options
    rows = output_size(options["padding"], height, taps_y, options["strideH"], options["dilationHFactor"])
    columns = output_size(options["padding"], width, taps_x, options["strideW"], options["dilationWFactor"])
    return ((batches, rows, columns, channels),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel. LiteRT and TensorFlow Lite Micro round alike, twice."""
    source, output, options = node.input(0), node.outputs[0], node.options
    require(node, source, ("int8",))
    require(node, output, ("int8",))
    weights = symmetric_weights(node, output.shape[-1], _CHANNELS)
    _, taps_y, taps_x, channels = weights.shape
    batches, height, width, input_channels = source.shape
    if input_channels == 0 or channels % input_channels:
        raise node.error(
            "its channels are no multiple of the input's", received=f"{input_channels} to {channels}"
        )
    multipliers = [
        quantize_multiplier(float(source.scale) * float(scale) / float(output.scale))
        for scale in np.resize(node.input(1).scales, channels)
    ]
    bias = checked_bias(node, weights.reshape(-1, channels).T)
    pad_y = pad_before(options["padding"], height, taps_y, options["strideH"], options["dilationHFactor"])
    shape = {
        "batches": batches,
        "input_height": height,
        "input_width": width,
        "input_channels": input_channels,
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "output_channels": channels,
        "height": taps_y,
        "width": taps_x,
        "stride_y": options["strideH"],
        "stride_x": options["strideW"],
        "dilation_y": options["dilationHFactor"],
        "dilation_x": options["dilationWFactor"],
        "pad_y": pad_y,
        "pad_x": pad_before(
            options["padding"], width, taps_x, options["strideW"], options["dilationWFactor"]
        ),
        "rounding": int(rounding_twice(multipliers)),
        "backward": 0,
    }
    tables = (
        Table("weights", weights.ravel(), node.input(1).name),
        Table("bias", bias.astype(np.int32)),
        multiplier_values(multipliers),
        exponents(multipliers),
    )
    overlap = window_rows(
        source, output, options["strideH"], pad_y, (taps_y - 1) * options["dilationHFactor"] + 1
    )
    values: dict[str, Value] = {"offset": -source.zero_point, "range": activation_range(node, output)}
    return [Step(node, "depthwise_conv_2d", shape, (source,), (output,), tables, values, (overlap,))]


OPERATOR = Operator(
    "DEPTHWISE_CONV_2D",
    shapes,
    lower,
    rounding="twice",
    notes="any depth multiplier, dilation; constant weights",
)
