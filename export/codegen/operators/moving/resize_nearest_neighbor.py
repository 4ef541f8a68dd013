"""RESIZE_NEAREST_NEIGHBOR."""

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape, Step, Table
from ...lowering.common import require
from .. import Operator


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    batches, _, _, channels = node.input(0).shape
    height, width = (int(size) for size in node.constant(1).ravel())
    return ((batches, height, width, channels),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `resize_nearest_neighbor`, with the input's row and column for each."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8", "uint8"))
    require(node, output, (source.dtype,))
    batches, height, width, channels = source.shape
    shape = {
        "batches": batches,
        "input_height": height,
        "input_width": width,
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "bytes": channels * source.item_bytes,
    }
    tables = (
        Table("rows", _nearest(node, height, output.shape[1])),
        Table("columns", _nearest(node, width, output.shape[2])),
    )
    return [Step(node, "resize_nearest_neighbor", shape, (source,), (output,), tables)]


def _nearest(node: Node, size: int, wanted: int) -> NDArray[np.int16]:
    """Return the input's place for each of the output, in single precision, as `GetNearestNeighbor`."""
    align, half = node.options.get("alignCorners"), node.options.get("halfPixelCenters")
    if align and wanted > 1:
        scale = np.float32(size - 1) / np.float32(wanted - 1)
    else:
        scale = np.float32(size) / np.float32(wanted)
    real = (np.arange(wanted, dtype=np.float32) + np.float32(0.5 if half else 0)) * scale
    found = np.floor(real + np.float32(0.5)) if align else np.floor(real)
    places: NDArray[np.int16] = np.clip(found, 0, size - 1).astype(np.int16)
    return places


OPERATOR = Operator("RESIZE_NEAREST_NEIGHBOR", shapes, lower, element_types=("int8", "uint8"))
