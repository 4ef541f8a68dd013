"""Operators that only move elements, as calls of the kernel `copy`."""

from collections.abc import Sequence

from .ir import Node, Shape, Step, Tensor
from .lowering import contiguous_strides, merge_axes

_AXES = 4


def copy_step(
    node: Node,
    source: Tensor,
    output: Tensor,
    sizes: Shape,
    *,
    order: Sequence[int] | None = None,
    from_start: Sequence[int] | None = None,
    from_step: Sequence[int] | None = None,
    to_start: Sequence[int] | None = None,
) -> Step:
    """Return the copy of a block.

    Args:
        node: The layer.
        source: What is read.
        output: What is written.
        sizes: The block, in the output's axes.
        order: The source's axis for each axis of the output; the same by default.
        from_start: The block's first element, in the source's axes.
        from_step: How far apart its elements are, in the source's axes.
        to_start: Its first element, in the output's axes.

    Raises:
        ConversionError: It needs more than four axes and a run.
    """
    rank = len(sizes)
    order = tuple(range(rank)) if order is None else order
    from_start = from_start or (0,) * rank
    from_step = from_step or (1,) * rank
    to_start = to_start or (0,) * rank
    item = output.item_bytes
    there = [stride * item for stride in contiguous_strides(source.shape)]
    here = [stride * item for stride in contiguous_strides(output.shape)]
    strides = [[there[axis] * from_step[axis] for axis in order], here]
    axes, (reads, writes) = merge_axes((*sizes, item), [[*strides[0], 1], [*strides[1], 1]], axes=_AXES + 1)
    run = 1
    if reads[-1] == writes[-1] == 1:
        run = axes[-1]
        axes, reads, writes = axes[:-1], reads[:-1], writes[:-1]
    while len(axes) > _AXES and axes[0] == 1:
        axes, reads, writes = axes[1:], reads[1:], writes[1:]
    if len(axes) > _AXES:
        raise node.error("a block of more than four axes", received=sizes)
    shape = {f"size{axis}": size for axis, size in enumerate(axes)}
    shape |= {"from": sum(start * stride for start, stride in zip(from_start, there, strict=True))}
    shape |= {f"from{axis}": stride for axis, stride in enumerate(reads)}
    shape |= {"to": sum(start * stride for start, stride in zip(to_start, here, strict=True))}
    shape |= {f"to{axis}": stride for axis, stride in enumerate(writes)}
    return Step(node, "copy", {**shape, "bytes": run}, (source,), (output,))
