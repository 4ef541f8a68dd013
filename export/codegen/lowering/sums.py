"""What layers of sums of products share: their weights, biases and multipliers as tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import Multiplier
from ..graph.ir import Node, Table

LARGEST_SUM = 2**31 - 2**17  # `upper_product` of `kernels/requantize.c` rounds the upper half
_WIDEST = 255  # the largest difference of an int8 and a zero point


def symmetric_weights(node: Node, channels: int, axis: int) -> NDArray[np.int8]:
    """Return the weights of input 1, which must be constant int8 around 0.

    Args:
        node: The layer.
        channels: The number of output channels.
        axis: The axis of the weights that a scale for each channel belongs to.

    Raises:
        ConversionError: They are something else.
    """
    tensor = node.input(1)
    weights = node.constant(1)
    if tensor.dtype != "int8" or np.any(tensor.zero_points):
        raise node.error(
            "its weights are not symmetric int8",
            received=f"{tensor.dtype}, zero points {set(tensor.zero_points)}",
        )
    if len(tensor.scales) not in (1, channels) or (len(tensor.scales) > 1 and tensor.axis != axis):
        raise node.error(
            "its weights have not one scale, nor one for each output channel",
            received=f"{len(tensor.scales)} scales along axis {tensor.axis}",
            expected=f"1, or {channels} along axis {axis}",
        )
    return np.asarray(weights, np.int8)


def bias_of(node: Node, channels: int) -> NDArray[np.int64]:
    """Return input 2, or zeros where it is left out.

    Raises:
        ConversionError: It is not one int32 for each output channel.
    """
    if not node.has_input(2):
        return np.zeros(channels, np.int64)
    bias = node.constant(2)
    if node.input(2).dtype != "int32" or bias.size != channels:
        raise node.error(
            "its bias is not one int32 for each output channel",
            received=f"{node.input(2).dtype} {bias.shape}",
            expected=f"int32 ({channels},)",
        )
    return bias.ravel().astype(np.int64)


def reach_of(node: Node, rows: NDArray[Any], bias: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the largest absolute sum of each channel.

    Raises:
        ConversionError: A sum, or a part of it, might not fit 32 bits.
    """
    reach: NDArray[np.int64] = np.abs(rows.astype(np.int64)).sum(axis=1) * _WIDEST + np.abs(bias)
    if reach.max(initial=0) > LARGEST_SUM:
        raise node.error("a sum might not fit 32 bits", received=int(reach.max()), expected=LARGEST_SUM)
    return reach


def checked_bias(node: Node, rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return the bias, after a check that no sum overflows.

    Args:
        node: The layer.
        rows: `(channels, taps)` weights.

    Raises:
        ConversionError: A sum might not fit 32 bits.
    """
    bias = bias_of(node, len(rows))
    reach_of(node, rows, bias)
    return bias


def multiplier_values(multipliers: Sequence[Multiplier]) -> Table:
    """Return the multipliers' fractions as a table."""
    return Table("multiplier", np.asarray([one.value for one in multipliers], np.int32))


def exponents(multipliers: Sequence[Multiplier]) -> Table:
    """Return the multipliers' exponents as a table."""
    return Table("exponent", np.asarray([one.exponent for one in multipliers], np.int8))
