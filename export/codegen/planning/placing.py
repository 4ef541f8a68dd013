"""Pieces of the arena, and where they lie: as low as can be, in an order that is searched for."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

ALIGNMENT = 4
_TRIES = 4000
_SEED = 0


@dataclass(slots=True, eq=False)
class Buffer:
    """A piece of the arena.

    Attributes:
        size: Its bytes.
        first: The step that writes it first.
        last: The last step that reads or writes it.
        over: For another buffer that this one may lie over as it dies: how far below or above it this one
            must begin.
    """

    size: int
    first: int
    last: int
    over: "dict[Buffer, tuple[int, int]]"


def place(buffers: Sequence[Buffer]) -> tuple[dict[Buffer, int], int]:
    """Return an offset for each buffer, and the size of the arena.

    Buffers are put one by one at the lowest free offset; the order is what is searched for, from a few good
    ones on, by moving one at a time and keeping what is not worse. The search is seeded and ends at the lower
    bound. Among what is tried first is the largest first without any overlap, TensorFlow Lite Micro's plan.
    """
    if not buffers:
        return {}, 0
    bound = max(_bound(buffers, step) for step in range(max(one.last for one in buffers) + 1))
    choose = random.Random(_SEED)  # noqa: S311 - no secret
    by_size = sorted(buffers, key=lambda one: -one.size)
    orders = [
        by_size,
        sorted(buffers, key=lambda one: (-one.first, -one.size)),
        sorted(buffers, key=lambda one: one.first),
    ]
    best, order = min(((_placed(order), order) for order in orders), key=lambda found: found[0][1])
    apart, size = _placed([replace(one, over={}) for one in by_size])
    if size < best[1]:
        best = dict(zip(by_size, apart.values(), strict=True)), size
    for _ in range(_TRIES):
        if best[1] <= bound or len(order) == 1:
            break
        first, second = choose.sample(range(len(order)), 2)
        tried = list(order)
        tried.insert(second, tried.pop(first))
        found = _placed(tried)
        if found[1] <= best[1]:
            best, order = found, tried
    return best


def _placed(order: Sequence[Buffer]) -> tuple[dict[Buffer, int], int]:
    offsets: dict[Buffer, int] = {}
    for buffer in order:
        taken = sorted(
            _forbidden(buffer, other, offset)
            for other, offset in offsets.items()
            if buffer.first <= other.last and other.first <= buffer.last
        )
        offset = 0
        for begin, end in taken:
            if begin < offset < end:
                offset = -(-end // ALIGNMENT) * ALIGNMENT
        # an interval that begins later may still hold the offset that was found
        while any(begin < offset < end for begin, end in taken):
            offset = min(-(-end // ALIGNMENT) * ALIGNMENT for begin, end in taken if begin < offset < end)
        offsets[buffer] = offset
    size = max(offset + buffer.size for buffer, offset in offsets.items())
    return offsets, -(-size // ALIGNMENT) * ALIGNMENT


def _forbidden(buffer: Buffer, other: Buffer, offset: int) -> tuple[int, int]:
    """Return between which offsets, themselves allowed, a buffer may not begin because of another."""
    if other in buffer.over:
        below, above = buffer.over[other]
        return offset - below, offset + above
    if buffer in other.over:
        below, above = other.over[buffer]
        return offset - above, offset + below
    return offset - buffer.size, offset + other.size


def _bound(buffers: Sequence[Buffer], step: int) -> int:
    """Return the bytes that the buffers of one step need at least."""
    live = [one for one in buffers if one.first <= step <= one.last]
    total = sum(one.size for one in live)
    saved = [
        one.size + other.size - min(max(one.size, below + other.size), max(other.size, above + one.size))
        for one in live
        for other, (below, above) in one.over.items()
        if one.first == step
    ]
    return total - max(saved, default=0)
