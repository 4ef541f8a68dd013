"""DEPTHWISE_CONV_2D."""

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape
from ...lowering.common import require
from ...lowering.convolution import convolution_shape, convolution_step
from ...lowering.sums import symmetric_weights
from .. import Operator

_CHANNELS = 3


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (convolution_shape(node, node.input(1).shape[_CHANNELS]),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `depthwise_conv_2d`."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8",))
    require(node, output, ("int8",))
    weights = symmetric_weights(node, output.shape[-1], _CHANNELS)
    input_channels, channels = source.shape[-1], weights.shape[-1]
    if input_channels == 0 or channels % input_channels:
        raise node.error(
            "its channels are no multiple of the input's", received=f"{input_channels} to {channels}"
        )
    rows = weights.reshape(-1, channels).T
    return [convolution_step(node, "depthwise_conv_2d", weights.ravel(), rows, {})]


OPERATOR = Operator(
    "DEPTHWISE_CONV_2D",
    shapes,
    lower,
    rounding="twice",
    notes="any depth multiplier, dilation; constant weights",
)
