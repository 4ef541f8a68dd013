"""Operators that only move elements, as calls of the kernel `copy` with the strides of numpy's views."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.ir import Node, Step, Tensor
from .common import merge_axes

_AXES = 4
_MOST_CALLS = 64

View = Callable[[NDArray[Any]], NDArray[Any]]


def view_shape(tensor: Tensor, view: View) -> tuple[int, ...]:
    """Return the shape of a view of a tensor."""
    return view(_without_memory(tensor)[0]).shape


def copy_steps(
    node: Node,
    source: Tensor,
    output: Tensor,
    read: View = lambda array: array,
    write: View = lambda array: array,
) -> list[Step]:
    """Return the copy of a view of one tensor to a view of another: one call, or several for many axes.

    Args:
        node: The layer.
        source: What is read.
        output: What is written.
        read: Takes the source as an array, and returns the view that is read.
        write: Takes the output as an array, and returns the view that is written, of the same shape.

    Raises:
        ConversionError: It has too many axes.
    """
    reading, read_start = _strided(source, read)
    writing, write_start = _strided(output, write)
    if reading.shape != writing.shape:
        raise node.error("its input does not fit its output", received=f"{reading.shape} to {writing.shape}")
    item = output.item_bytes
    axes, (reads, writes) = merge_axes(
        (*reading.shape, item), [[*reading.strides, 1], [*writing.strides, 1]], axes=_AXES + 1
    )
    run = 1
    if reads[-1] == writes[-1] == 1:
        run = axes[-1]
        axes, reads, writes = axes[:-1], reads[:-1], writes[:-1]
    outer = len(axes) - _AXES
    calls = list(product(*(range(size) for size in axes[:outer])))
    if len(calls) > _MOST_CALLS:
        raise node.error("a block of too many axes", received=reading.shape)
    shape = {f"size{axis}": size for axis, size in enumerate(axes[outer:])}
    shape |= {f"from{axis}": stride for axis, stride in enumerate(reads[outer:])}
    shape |= {f"to{axis}": stride for axis, stride in enumerate(writes[outer:])}
    return [
        Step(
            node,
            "copy",
            {**shape, "bytes": run},
            (source,),
            (output,),
            values={
                "from": read_start + sum(np.multiply(at, reads[:outer]).tolist()),
                "to": write_start + sum(np.multiply(at, writes[:outer]).tolist()),
            },
        )
        for at in calls
    ]


def _without_memory(tensor: Tensor) -> tuple[NDArray[Any], int]:
    """Return an array of the tensor's shape and strides, never touched, and its address."""
    array: NDArray[Any] = np.empty(tensor.shape, tensor.dtype)
    return array, array.__array_interface__["data"][0]


def _strided(tensor: Tensor, view: View) -> tuple[NDArray[Any], int]:
    array, address = _without_memory(tensor)
    viewed = view(array)
    return viewed, int(viewed.__array_interface__["data"][0] - address)
