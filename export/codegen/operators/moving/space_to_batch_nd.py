"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, which converters write around dilated convolutions."""

from collections.abc import Iterator
from itertools import chain, product

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape, Step
from ...lowering.common import require
from ...lowering.moving import View, copy_steps
from .. import Operator


def _blocks(node: Node) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the size of a block and what is padded or cropped, along each spatial axis."""
    blocks = [int(size) for size in node.constant(1).ravel()]
    edges = [(int(before), int(after)) for before, after in node.constant(2).reshape(-1, 2)]
    rank = len(node.input(0).shape)
    if (
        len(edges) != len(blocks)
        or len(blocks) >= rank
        or min(blocks, default=1) < 1
        or min(map(min, edges)) < 0
    ):
        raise node.error("its blocks or edges do not fit its input", received=f"{blocks}, {edges}")
    return blocks, edges


def split_shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape: more images, each smaller."""
    (blocks, edges), shape = _blocks(node), list(node.input(0).shape)
    for axis, (block, edge) in enumerate(zip(blocks, edges, strict=True), start=1):
        whole = shape[axis] + sum(edge)
        if whole % block:
            raise node.error("its blocks do not divide its input", received=f"{whole} by {block}")
        shape[axis] = whole // block
        shape[0] *= block
    return (tuple(shape),)


def joined_shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape: fewer images, each larger."""
    (blocks, edges), shape = _blocks(node), list(node.input(0).shape)
    for axis, (block, edge) in enumerate(zip(blocks, edges, strict=True), start=1):
        if shape[0] % block:
            raise node.error("its blocks do not divide its batch", received=f"{shape[0]} by {block}")
        shape[axis] = shape[axis] * block - sum(edge)
        shape[0] //= block
    return (tuple(shape),)


def _parts(large: Shape, blocks: list[int], edges: list[tuple[int, int]]) -> Iterator[tuple[View, View]]:
    """Yield the views of the large images and of the small ones that hold the same elements."""
    images = large[0]
    for number, places in enumerate(product(*(range(block) for block in blocks))):
        of_large: list[slice] = [slice(None)]
        of_small: list[slice] = [slice(number * images, (number + 1) * images)]
        for axis, (place, block) in enumerate(zip(places, blocks, strict=True), start=1):
            before = edges[axis - 1][0]
            skipped = max(-(-(before - place) // block), 0)  # small elements that lie in the edge
            first = place + skipped * block - before
            count = max(-(-(large[axis] - first) // block), 0)
            of_large.append(slice(first, None, block))
            of_small.append(slice(skipped, skipped + count))
        if all(size.stop > size.start for size in of_small):
            yield _view(of_large), _view(of_small)


def _view(index: list[slice]) -> View:
    return lambda array: array[tuple(index)]


def split(node: Node, match: Match) -> Lowered:
    """Return a fill with the zero point, and a copy for each place in a block.

    Raises:
        ConversionError: TensorFlow Lite Micro is to be matched, whose kernel never sets what it pads with.
    """
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8", "uint8"))
    require(node, output, (source.dtype,))
    blocks, edges = _blocks(node)
    if match is Match.TFLM and any(map(any, edges)):
        raise node.error("TensorFlow Lite Micro pads it with what happens to lie in memory", received=edges)
    fill = Step(node, "fill", {"size": output.size}, (), (output,), (), {"value": output.zero_point})
    copies = [
        copy_steps(node, source, output, large, small) for large, small in _parts(source.shape, blocks, edges)
    ]
    return [fill, *chain(*copies)]


def join(node: Node, _: Match) -> Lowered:
    """Return a copy for each place in a block."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8", "uint8"))
    require(node, output, (source.dtype,))
    parts = _parts(output.shape, *_blocks(node))
    return list(chain(*(copy_steps(node, source, output, small, large) for large, small in parts)))


OPERATORS = (
    Operator(
        "SPACE_TO_BATCH_ND",
        split_shapes,
        split,
        element_types=("int8", "uint8"),
        notes="without padding only for tflm",
    ),
    Operator("BATCH_TO_SPACE_ND", joined_shapes, join, element_types=("int8", "uint8")),
)
