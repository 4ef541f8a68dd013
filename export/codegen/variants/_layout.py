"""What the tables of several variants share: the weights as the file has them, and what fills them up."""

import numpy as np
from numpy.typing import NDArray

from ..graph.ir import Step, Struct, Table

INT8, UINT8 = (-128, 127), (0, 255)


def filter_rows(step: Step) -> NDArray[np.int64]:
    """Return the weights as `(output channels, taps)`."""
    weights = np.asarray(step.node.constant(1), np.int64)
    if step.kernel == "depthwise_conv_2d":
        return weights.reshape(-1, weights.shape[-1]).T
    return weights.reshape(len(weights), -1)


def table_values(step: Step, name: str) -> NDArray[np.int64]:
    """Return the entries of a table of the plain kernel."""
    (found,) = (table.values for table in step.tables if table.name == name)
    return np.asarray(found, np.int64)


def offset_of(step: Step) -> int:
    """Return what is added to each element of the input; 0 where that is part of the bias."""
    offset = step.values.get("offset", 0)
    if not isinstance(offset, int):
        raise TypeError(f"offset is {offset!r}, expected an integer")
    return offset


def is_full(step: Step) -> bool:
    """Return whether the output's range is that of int8."""
    limits = step.values["range"]
    return isinstance(limits, Struct) and limits.fields[1:] == INT8


def filled_size(size: int, block: int) -> int:
    """Return a size filled up to whole blocks."""
    return -(-size // block) * block


def filled_up(rows: NDArray[np.int64], channels: int, taps: int) -> NDArray[np.int64]:
    """Return `(channels, taps)` weights with zeros where there were none, to whole blocks of these sizes."""
    filled = np.zeros((filled_size(rows.shape[0], channels), filled_size(rows.shape[1], taps)), np.int64)
    filled[: rows.shape[0], : rows.shape[1]] = rows
    return filled


def table_of_weights(step: Step, values: NDArray[np.generic], how: str) -> Table:
    """Return a table of weights in another order."""
    return Table("weights", values, f"{step.node.input(1).name}, {how}")
