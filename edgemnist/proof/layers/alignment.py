"""Which layers of two models belong together: by their order, their shapes and their values.

Converters rename layers, fuse and drop some and add others, so neither names nor positions tell. But what
both forms of a model compute is nearly the same, and in neither can a layer come before what it depends on.
So the most similar outputs are paired first, and the rest in between; branches may stand in any order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float32]
_LEAST = 0.05
# A name that reappears, and the place in the network, count where the values do not tell.
_SAME_NAME, _APART = 0.02, 0.2
# Outputs as similar as this belong together, though what one depends on could not be seen everywhere.
_SURE = 0.9
_MAX_AXES = 4


def align(first: "Watched", second: "Watched") -> list[tuple[int, int]]:
    """Return the positions of the layers that belong together, in the first model's order."""
    found = sorted(_candidates(first, second), reverse=True)
    before = _ancestors(first.parents), _ancestors(second.parents)
    pairs: list[tuple[int, int]] = []
    taken: tuple[set[int], set[int]] = set(), set()
    for score, i, j in ((score, -i, -j) for score, i, j in found):
        if i in taken[0] or j in taken[1]:
            continue
        relations = [(_relation(before[0], i, k), _relation(before[1], j, n)) for k, n in pairs]
        if any(mine * theirs < 0 or (mine != theirs and score < _SURE) for mine, theirs in relations):
            continue
        pairs.append((i, j))
        taken[0].add(i)
        taken[1].add(j)
    return sorted(pairs)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a model's layers output for some inputs.

    Attributes:
        names: The layers' names, in the order in which they are computed.
        parents: For each, which of them its layer takes as inputs.
        outputs: Their values, `(N, ...)` float32 each.
    """

    names: Sequence[str]
    parents: Sequence[Sequence[int]]
    outputs: Sequence[Reals]


def _candidates(first: Watched, second: Watched) -> Iterator[tuple[float, int, int]]:
    """Yield how well each two layers fit, and their positions, negative so that earlier ones sort first."""
    for i, a in enumerate(first.outputs):
        for j, b in enumerate(second.outputs):
            arranged = as_shaped(b, a)
            if arranged is None:
                continue
            found = similarity(a, arranged)
            if found >= _LEAST:
                apart = abs((i + 1) / len(first.outputs) - (j + 1) / len(second.outputs))
                mine, theirs = first.names[i].lower(), second.names[j].lower()
                hint = _SAME_NAME * (mine in theirs or theirs in mine) - _APART * apart
                yield found + hint * (1 - found), -i, -j


def _relation(ancestors: Sequence[int], a: int, b: int) -> int:
    """Return -1 if the layer `a` comes before `b`, 1 if after it, 0 where neither depends on the other."""
    return (ancestors[a] >> b & 1) - (ancestors[b] >> a & 1)


def _ancestors(parents: Sequence[Sequence[int]]) -> list[int]:
    """Return for each layer those that it depends on, as bits."""
    found: list[int] = []
    for above in parents:
        bits = 0
        for parent in above:
            bits |= 1 << parent
            bits |= found[parent] if parent < len(found) else 0
        found.append(bits)
    return found


def similarity(a: Reals, b: Reals) -> float:
    """Return 1 for equal values, near 0 for values that have nothing in common or another scale."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    size = float(np.linalg.norm(a) + np.linalg.norm(b))
    return 1.0 if size == 0 else 1.0 - float(np.linalg.norm(a - b)) / size


def as_shaped(values: Reals, like: Reals) -> Reals | None:
    """Return values in the shape of others: axes of 1 dropped or added, or axes in another order.

    Of several orders that fit, the one that is most similar; None where none fits.
    """
    if values.shape == like.shape:
        candidates = [values]
    else:
        a, b = _squeezed(values), _squeezed(like)
        if len(a) != len(b) or sorted(a.shape[1:]) != sorted(b.shape[1:]) or a.ndim > _MAX_AXES:
            return None
        orders = [(0, *(axis + 1 for axis in order)) for order in permutations(range(a.ndim - 1))]
        candidates = [a.transpose(order) for order in orders if a.transpose(order).shape == b.shape]
        candidates = [each.reshape(like.shape) for each in candidates]
    return max(candidates, key=lambda each: similarity(each, like), default=None)


def _squeezed(values: Reals) -> Reals:
    return values.reshape(len(values), *(axis for axis in values.shape[1:] if axis != 1))
