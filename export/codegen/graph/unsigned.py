"""Inputs of bytes without a sign: the QUANTIZE to int8 that converters put behind them costs a copy.

It only takes 128 from each byte. Where all that follow are dense layers, these take the bytes as they are,
with a zero point that is 128 more: the sums are the same, and the input need not be copied to the arena.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .ir import Node, Tensor

_MOVING_NOTHING = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
_OFFSET = 128


def without_signs(nodes: Sequence[Node], outputs: Sequence[Tensor]) -> tuple[Node, ...]:
    """Return nodes of the same meaning without QUANTIZE from uint8 to int8 before dense layers.

    Args:
        nodes: The nodes, in order.
        outputs: The model's outputs, which stay as they are.
    """
    same: dict[Tensor, Tensor] = {}
    dropped: set[Node] = set()
    for node in nodes:
        if _only_takes_128(node):
            reached = _reached(node.outputs[0], nodes)
            if reached is not None and not reached.keys() & set(outputs):
                same |= reached
                same[node.outputs[0]] = node.input(0)
                dropped.add(node)
    return tuple(
        replace(
            node,
            inputs=tuple(one if one is None else same.get(one, one) for one in node.inputs),
            outputs=tuple(same.get(one, one) for one in node.outputs),
        )
        for node in nodes
        if node not in dropped
    )


def _only_takes_128(node: Node) -> bool:
    if node.operator != "QUANTIZE":
        return False
    source, output = node.input(0), node.outputs[0]
    return (
        (source.dtype, output.dtype) == ("uint8", "int8")
        and len(source.scales) == len(output.scales) == 1
        and np.array_equal(source.scales, output.scales)
        and source.zero_point - output.zero_point == _OFFSET
    )


def _reached(tensor: Tensor, nodes: Sequence[Node]) -> dict[Tensor, Tensor] | None:
    """Return what a tensor is seen as until dense layers take it, without a sign; None if others need it."""
    found = {tensor: tensor}
    for node in nodes:
        if not any(one in found for one in node.inputs):
            continue
        if node.operator in _MOVING_NOTHING:
            output = node.outputs[0]
            found[output] = replace(output, dtype="uint8", zero_points=output.zero_points + _OFFSET)
        elif node.operator != "FULLY_CONNECTED" or node.inputs[0] not in found:
            return None
    return found
