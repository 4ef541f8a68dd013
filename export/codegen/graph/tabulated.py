"""Raw pixels that become floats only to be quantized: all that is done to each of the 256 is a table.

`edgemnist export` writes CAST, MUL and ADD before the QUANTIZE of a model of 16 bits. Where the constants are
one for all channels, nothing of that is left in C: no float, and no copy of the input in floats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .ir import Node, Tensor

CHAIN = "chain"
"""The option of a QUANTIZE of raw pixels: the operators whose work it does too, in order."""
_ARITHMETIC = {"MUL": np.multiply, "ADD": np.add, "SUB": np.subtract}


def with_tables(nodes: Sequence[Node], outputs: Sequence[Tensor]) -> tuple[Node, ...]:
    """Return nodes of the same meaning with one QUANTIZE in place of a chain from a CAST of uint8.

    Args:
        nodes: The nodes, in order.
        outputs: The model's outputs, which stay as they are.
    """
    made_by: dict[Tensor | None, Node] = {tensor: node for node in nodes for tensor in node.outputs}
    uses = [tensor for node in nodes for tensor in node.inputs] + list(outputs)
    dropped: set[Node] = set()
    kept: list[Node] = []
    for node in nodes:
        chain = _chain(node, made_by) if node.operator == "QUANTIZE" else ()
        if chain and all(uses.count(one.outputs[0]) == 1 for one in chain):
            dropped |= set(chain)
            options = {**node.options, CHAIN: chain}
            kept.append(replace(node, inputs=(chain[0].input(0),), options=options))
        else:
            kept.append(node)
    return tuple(node for node in kept if node not in dropped)


def _chain(node: Node, made_by: Mapping[Tensor | None, Node]) -> tuple[Node, ...]:
    """Return the operators between raw pixels and a QUANTIZE, the CAST first; none if there are others."""
    found: list[Node] = []
    before = made_by.get(node.input(0))
    while before is not None and before.operator in _ARITHMETIC and _is_by_one_number(before):
        found.append(before)
        before = made_by.get(before.input(0))
    if before is None or before.operator != "CAST" or before.input(0).dtype != "uint8":
        return ()
    return tuple(reversed([*found, before]))


def _is_by_one_number(node: Node) -> bool:
    by = node.input(1)
    return (
        by.dtype == "float32"
        and by.data is not None
        and by.size == 1
        and bool(np.isfinite(by.data).all())
        and node.input(0).size == node.outputs[0].size
        and not node.options.get("fusedActivationFunction")
    )


def real_values(chain: Sequence[Node]) -> NDArray[np.float32]:
    """Return what such operators make of each byte, in single precision as they calculate."""
    values: NDArray[np.float32] = np.arange(256).astype(np.float32)
    with np.errstate(all="ignore"):
        for node in chain[1:]:
            values = _ARITHMETIC[node.operator](values, np.float32(node.constant(1).ravel()[0]))
    return values
