"""STRIDED_SLICE, SLICE, SPLIT, SPLIT_V and UNPACK: parts of a tensor."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape
from ...lowering.moving import View, copy_steps, view_shape
from .. import Operator


def _strided(node: Node) -> list[View]:
    """Return STRIDED_SLICE as an index of numpy, which has the same meaning."""
    begins, ends, strides = (node.constant(position).ravel().tolist() for position in (1, 2, 3))
    options = node.options
    index: list[Any] = []
    for bit, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        masked = {name: options.get(f"{name}Mask", 0) >> bit & 1 for name in ("begin", "end", "ellipsis")}
        if masked["ellipsis"]:
            index.append(Ellipsis)
        elif options.get("newAxisMask", 0) >> bit & 1:
            index.append(np.newaxis)
        elif options.get("shrinkAxisMask", 0) >> bit & 1:
            index.append(begin)
        else:
            last = begin + end if options.get("offset") else end
            index.append(slice(None if masked["begin"] else begin, None if masked["end"] else last, stride))
    if Ellipsis not in index:
        index.append(Ellipsis)  # without it, an index of numbers alone is no view
    return [lambda array: array[tuple(index)]]


def _slice(node: Node) -> list[View]:
    begins, sizes = (node.constant(position).ravel().tolist() for position in (1, 2))
    index = tuple(
        slice(begin, None if size == -1 else begin + size) for begin, size in zip(begins, sizes, strict=True)
    )
    return [lambda array: array[index]]


def _split(node: Node) -> list[View]:
    axis = int(node.constant(0).ravel()[0]) % len(node.input(1).shape)
    count, size = node.options["numSplits"], node.input(1).shape[axis]
    if count < 1 or size % count:
        raise node.error("it does not divide its axis", received=f"{size} in {count} parts")
    return _parts(axis, [size // count] * count)


def _split_v(node: Node) -> list[View]:
    axis = int(node.constant(2).ravel()[0]) % len(node.input(0).shape)
    sizes = [int(size) for size in node.constant(1).ravel()]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = node.input(0).shape[axis] - sum(sizes) - 1
    if sum(sizes) != node.input(0).shape[axis] or min(sizes, default=0) < 0:
        raise node.error("its parts do not make up its axis", received=sizes)
    return _parts(axis, sizes)


def _parts(axis: int, sizes: list[int]) -> list[View]:
    starts = [sum(sizes[:number]) for number in range(len(sizes))]

    def part(start: int, size: int) -> View:
        return lambda array: array[(*(slice(None),) * axis, slice(start, start + size))]

    return [part(start, size) for start, size in zip(starts, sizes, strict=True)]


def _unpack(node: Node) -> list[View]:
    axis = int(node.options["axis"]) % len(node.input(0).shape)
    count = node.input(0).shape[axis]

    def one(number: int) -> View:
        index: tuple[Any, ...] = (*(slice(None),) * axis, number, Ellipsis)
        return lambda array: array[index]

    return [one(number) for number in range(count)]


_VIEWS = {"UNPACK": _unpack, "STRIDED_SLICE": _strided, "SLICE": _slice, "SPLIT": _split, "SPLIT_V": _split_v}
_SOURCES = {"SPLIT": 1}


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the outputs' shapes."""
    source = node.input(_SOURCES.get(node.operator, 0))
    return tuple(view_shape(source, view) for view in _VIEWS[node.operator](node))


def lower(node: Node, _: Match) -> Lowered:
    """Return a copy for each output."""
    source = node.input(_SOURCES.get(node.operator, 0))
    views = _VIEWS[node.operator](node)
    return [
        step
        for output, view in zip(node.outputs, views, strict=True)
        for step in copy_steps(node, source, output, read=view)
    ]


def fold(node: Node) -> tuple[NDArray[Any], ...] | None:
    """Return the parts of a constant."""
    data = node.input(_SOURCES.get(node.operator, 0)).data
    return None if data is None else tuple(view(data) for view in _VIEWS[node.operator](node))


OPERATORS = tuple(
    Operator(name, shapes, lower, fold, element_types=("any",), notes="constant bounds") for name in _VIEWS
)
