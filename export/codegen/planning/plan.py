"""Where every activation lies: one arena, as small as can be found.

Two activations that live at the same time lie apart, but the output of a step may lie over an input that dies
there, as far as the kernel's `Rows` allow: in place, or over rows that are no longer needed (the diagonal
memory optimisation of arXiv 2010.01668). Model inputs and outputs are the caller's memory, and need none of
the arena.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ....runtime.errors import ConversionError
from ..arithmetic.fixed_point import Match
from ..graph.ir import Alias, Graph, Node, Step, Tensor
from ..lowering.moving import copy_steps
from ..operators import OPERATORS
from .placing import Buffer, place


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor lies.

    Attributes:
        area: In the arena, in the caller's input or output, or in a constant table.
        number: Which input, output or table.
        offset: The first byte in the arena; 0 elsewhere.
    """

    area: Literal["arena", "input", "output", "table"]
    number: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A program: steps in order, and where their tensors lie.

    Attributes:
        graph: What it computes.
        steps: The calls of kernels.
        places: Where each tensor lies.
        roots: For each tensor the one whose bytes it is.
        constants: The constant tensors that are inputs of steps, by their place's number.
        arena_bytes: The size of the arena.
        scratch: The memory of the arena that a kernel asks for, offset and size, by the step's number.
    """

    graph: Graph
    steps: tuple[Step, ...]
    places: dict[Tensor, Place]
    roots: dict[Tensor, Tensor]
    constants: tuple[Tensor, ...]
    arena_bytes: int
    scratch: dict[int, tuple[int, int]]


def lower(graph: Graph, match: Match) -> tuple[list[Step], list[Alias]]:
    """Return the calls of kernels of a normalized graph, in order, and the tensors that are others.

    Raises:
        ConversionError: There is no C for an operator as it is used here; the message names the layer.
    """
    steps: list[Step] = []
    aliases: list[Alias] = []
    for node in graph.nodes:
        operator = OPERATORS[node.operator]
        if operator.lower is None:
            raise node.error("there is no C for it where its inputs are computed at run time")
        try:
            lowered = operator.lower(node, match)
        except ConversionError as error:
            if str(error).startswith(node.layer):
                raise
            raise node.error(str(error)) from error
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError) as error:
            raise node.error("its shapes or options do not fit", received=repr(error)) from error
        for one in lowered:
            if isinstance(one, Alias):
                aliases.append(one)
            else:
                steps.append(one)
    return steps, aliases


def make_plan(
    graph: Graph, match: Match = Match.LITERT, scratch_bytes: Callable[[Step], int] = lambda _: 0
) -> Plan:
    """Return the steps of a normalized graph and a place for each of its tensors.

    Args:
        graph: The graph.
        match: Whose bytes it gives.
        scratch_bytes: Returns how much memory a step's kernel needs while it runs.

    Raises:
        ConversionError: There is no C for an operator as it is used here.
    """
    steps, aliases = lower(graph, match)
    roots = _Roots(aliases)
    places = {tensor: Place("input", number) for number, tensor in enumerate(graph.inputs)}
    for number, tensor in enumerate(graph.outputs):
        root = roots.of(tensor)
        if root in places or root.data is not None:  # an input, a constant, or another output: it is copied
            node = Node("COPY", (root,), (replace(root, name=tensor.name, data=None),), {}, len(graph.nodes))
            steps += copy_steps(node, root, node.outputs[0])
            root = node.outputs[0]
        places[root] = Place("output", number)
    constants = tuple(
        {roots.of(one): None for step in steps for one in step.inputs if roots.of(one).data is not None}
    )
    places |= {tensor: Place("table", number) for number, tensor in enumerate(constants)}
    buffers = _buffers(steps, roots, places)
    scratch = {
        number: Buffer(scratch_bytes(step), number, number, {})
        for number, step in enumerate(steps)
        if scratch_bytes(step)
    }
    offsets, size = place([*buffers.values(), *scratch.values()])
    places |= {tensor: Place("arena", 0, offsets[buffer]) for tensor, buffer in buffers.items()}
    known = {one: roots.of(one) for step in steps for one in (*step.inputs, *step.outputs)}
    places |= {tensor: places[root] for tensor, root in known.items()}
    directed = tuple(_directed(step, places) for step in steps)
    return Plan(
        graph,
        directed,
        places,
        known,
        constants,
        size,
        {number: (offsets[buffer], buffer.size) for number, buffer in scratch.items()},
    )


def _directed(step: Step, places: dict[Tensor, Place]) -> Step:
    """Return a step that walks backward if its output begins above its input, and over it."""
    if "backward" not in step.shape:
        return step
    source, output = places[step.inputs[0]], places[step.outputs[0]]
    over = (
        source.area == output.area == "arena"
        and source.offset < output.offset < source.offset + step.inputs[0].size_bytes
    )
    return replace(step, shape={**step.shape, "backward": int(over)})


class _Roots:
    """Which tensor holds the bytes of a tensor."""

    def __init__(self, aliases: Sequence[Alias]) -> None:
        self._sources = {alias.output: alias.source for alias in aliases}

    def of(self, tensor: Tensor) -> Tensor:
        while tensor in self._sources:
            tensor = self._sources[tensor]
        return tensor


def _buffers(steps: Sequence[Step], roots: _Roots, places: dict[Tensor, Place]) -> dict[Tensor, Buffer]:
    """Return the pieces of the arena that steps need, with their lives and what may lie over what."""
    buffers: dict[Tensor, Buffer] = {}
    for index, step in enumerate(steps):
        for tensor in step.outputs:
            root = roots.of(tensor)
            if root not in places:
                buffers.setdefault(root, Buffer(root.size_bytes, index, index, {}))
        for tensor in (*step.inputs, *step.outputs):
            if roots.of(tensor) in buffers:
                buffers[roots.of(tensor)].last = index
    for index, step in enumerate(steps):
        output = buffers.get(roots.of(step.outputs[0]))
        if output is None or output.first != index or len(step.outputs) != 1:
            continue
        for position, tensor in enumerate(step.inputs):
            dying = buffers.get(roots.of(tensor))
            if dying is None or dying.last != index or dying is output:
                continue
            rows = step.rows[position] if position < len(step.rows) else None
            below = output.size if rows is None else min(rows.below, output.size)
            above = dying.size if rows is None or rows.above is None else min(rows.above, dying.size)
            least = output.over.get(dying, (0, 0))
            output.over[dying] = (max(below, least[0]), max(above, least[1]))
    return buffers
