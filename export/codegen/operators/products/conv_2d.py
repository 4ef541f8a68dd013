"""CONV_2D."""

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape
from ...lowering.common import interleave, require
from ...lowering.convolution import convolution_shape, convolution_step
from ...lowering.sums import symmetric_weights
from .. import Operator


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (convolution_shape(node, node.input(1).shape[0]),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `conv_2d`."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8",))
    require(node, output, ("int8",))
    weights = symmetric_weights(node, output.shape[-1], 0)
    channels, _, _, depth = weights.shape
    input_channels = source.shape[-1]
    if depth == 0 or input_channels % depth or channels % (input_channels // depth):
        raise node.error(
            "its groups do not divide its channels", received=f"{input_channels} to {channels} by {depth}"
        )
    rows = weights.reshape(channels, -1)
    groups = input_channels // depth
    table = interleave(rows) if groups == 1 else rows.ravel()
    return [convolution_step(node, "conv_2d", table, rows, {"depth": depth, "groups": groups})]


OPERATOR = Operator("CONV_2D", shapes, lower, rounding="twice", notes="groups, dilation; constant weights")
