"""The planner and its checker, which know nothing of each other."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.export.codegen.emitting.writing import read_plan
from edgemnist.export.codegen.lowering.common import output_size
from edgemnist.export.codegen.planning.checking import check_plan
from edgemnist.export.codegen.planning.placing import ALIGNMENT, Buffer, place
from edgemnist.runtime.errors import ConversionError

from .build import File
from .run import assert_exact
from .test_operators import exact, many, seeds


class Network:
    """A random network of windows, sums and pools, with branches."""

    def __init__(self, draw):
        self.file, self.random = File(), np.random.default_rng(draw(seeds))
        self.draw = draw
        self.shapes = {}
        self.source = self.add(
            (
                draw(st.sampled_from((1, 1, 2, 3))),
                draw(st.integers(1, 12)),
                draw(st.integers(2, 6)),
                draw(st.integers(1, 6)),
            )
        )

    def add(self, shape):
        number = self.file.tensor(shape, scale=0.1, zero=int(self.random.integers(-128, 128)))
        self.shapes[number] = shape
        return number

    def window(self, source):
        batches, height, width, depth = self.shapes[source]
        depthwise = self.draw(st.booleans())
        taps, stride = self.draw(st.integers(1, 4)), self.draw(st.sampled_from((1, 1, 1, 2)))
        dilation = self.draw(st.integers(1, 2)) if stride == 1 else 1
        filters = depth if depthwise else self.draw(st.integers(1, 8))
        shape = (1, taps, taps, filters) if depthwise else (filters, taps, taps, depth)
        weights = self.file.tensor(shape, scale=0.02, data=self.random.integers(-128, 128, shape, np.int8))
        bias = self.file.tensor((filters,), "int32", scale=0.002, data=self.random.integers(-99, 99, filters))
        sizes = [output_size(schema.Padding.SAME, size, taps, stride, dilation) for size in (height, width)]
        output = self.add((batches, *sizes, filters))
        options = {"padding": schema.Padding.SAME, "strideH": stride, "strideW": stride}
        options |= {"dilationHFactor": dilation, "dilationWFactor": dilation}
        name, kind = (
            ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
        )
        options |= {"depthMultiplier": 1} if depthwise else {}
        self.file.operator(name, [source, weights, bias], [output], kind, **options)
        return output

    def sum(self, left, right):
        output = self.add(self.shapes[left])
        self.file.operator("ADD", [left, right], [output], "AddOptions")
        return output


@st.composite
def networks(draw):
    network = Network(draw)
    last = network.window(network.source)
    for _ in range(draw(st.integers(1, 5))):
        branch = network.window(last)
        same = [number for number, shape in network.shapes.items() if shape == network.shapes[branch]]
        if len(same) > 1 and draw(st.booleans()):
            last = network.sum(branch, draw(st.sampled_from(same[:-1])))
        else:
            last = branch
    return network.file.content([network.source], [last])


@pytest.mark.slow
@exact
@given(networks())
def test_networks_with_overlapping_activations_are_exact(content):
    assert_exact(content)


@exact
@given(networks(), st.data())
def test_the_checker_accepts_only_what_is_right(content, data):
    """A plan with one activation elsewhere either still gives the same bytes, or is refused."""
    plan = read_plan(content)
    inside = [tensor for tensor, where in plan.places.items() if where.area == "arena"]
    if not inside:
        return
    moved = data.draw(st.sampled_from(inside))
    limit = (plan.arena_bytes - moved.size_bytes) // 4
    offset = 4 * data.draw(st.integers(0, max(limit, 0)))
    where = replace(plan.places[moved], offset=offset)
    places = {
        tensor: where if plan.roots[tensor] is plan.roots[moved] else old
        for tensor, old in plan.places.items()
    }
    other = replace(plan, places=places)
    if _overlaps_alive(other):
        with pytest.raises(ConversionError, match=r"overwrites an input|outside"):
            check_plan(other)


def _overlaps_alive(plan):
    """Say whether two tensors lie over each other while a third step needs both: surely wrong."""
    lives = {}
    for number, step in enumerate(plan.steps):
        for tensor in (*step.inputs, *step.outputs):
            if plan.places[tensor].area == "arena":
                first, _ = lives.get(tensor, (number, number))
                lives[tensor] = (first, number)
    for one, (first, last) in lives.items():
        for other, (_, others_last) in lives.items():
            begin, end = plan.places[one].offset, plan.places[one].offset + one.size_bytes
            if (
                one is not other
                and first < others_last
                and lives[other][0] < first
                and others_last > first < last
            ):
                here = plan.places[other].offset
                if begin < here + other.size_bytes and here < end and others_last > first:
                    return True
    return False


def tensorflow_lite_micro_bytes(plan):
    """Return the arena of its greedy planner: largest first, in the lowest gap, nothing over anything."""
    lives = {}
    for number, step in enumerate(plan.steps):
        for tensor in (*step.inputs, *step.outputs):
            root = plan.roots[tensor]
            if plan.places[tensor].area == "arena":
                first, _, size = lives.get(root, (number, number, root.size_bytes))
                lives[root] = (first, number, size)
    pieces = [*lives.values(), *((number, number, size) for number, (_, size) in plan.scratch.items())]
    placed = []
    for first, last, size in sorted(pieces, key=lambda piece: -piece[2]):
        offset = 0
        for begin, end, others_first, others_last in sorted(placed):
            if first <= others_last and others_first <= last:
                if begin - offset >= size:
                    break
                offset = max(offset, -(-end // ALIGNMENT) * ALIGNMENT)
        placed.append((offset, offset + size, first, last))
    return -(-max((end for _, end, _, _ in placed), default=0) // ALIGNMENT) * ALIGNMENT


@pytest.mark.slow
@many
@given(networks())
def test_no_arena_is_larger_than_that_of_tensorflow_lite_micro(content):
    plan = read_plan(content)
    assert plan.arena_bytes <= tensorflow_lite_micro_bytes(plan)


def test_a_chain_lies_at_both_ends():
    first, second, third = Buffer(100, 0, 1, {}), Buffer(60, 1, 2, {}), Buffer(100, 2, 3, {})
    _, size = place([first, second, third])
    assert size == 160


def test_an_output_lies_over_rows_that_are_used_up():
    source, output = Buffer(1000, 0, 1, {}), Buffer(1000, 1, 2, {})
    output.over[source] = (100, 100)
    offsets, size = place([source, output])
    assert size == 1100
    assert abs(offsets[source] - offsets[output]) == 100


def _three_convolutions():
    rng = np.random.default_rng(0)
    file = File()
    tensors = [file.tensor((1, 9, 7, 4), "int8", 0.1, 0) for _ in range(4)]
    for source, output in pairwise(tensors):
        kernel = file.tensor((4, 3, 3, 4), "int8", 0.01, 0, rng.integers(-127, 128, (4, 3, 3, 4)))
        bias = file.tensor((4,), "int32", 0.001, 0, np.zeros(4))
        file.operator("CONV_2D", [source, kernel, bias], [output], "Conv2DOptions", strideH=1, strideW=1)
    return file.content(tensors[:1], tensors[-1:])


def test_an_overlap_that_is_four_bytes_too_large_is_found():
    plan = read_plan(_three_convolutions())
    step = plan.steps[1]
    source, output = plan.places[step.inputs[0]], plan.places[step.outputs[0]]
    assert abs(source.offset - output.offset) < step.inputs[0].size_bytes, "they do not overlap"
    closer = 4 if output.offset < source.offset else -4
    moved = replace(output, offset=output.offset + closer)
    root = plan.roots[step.outputs[0]]
    places = {
        tensor: moved if plan.roots[tensor] is root else old
        for tensor, old in plan.places.items()
        if tensor in plan.roots
    }
    check_plan(plan)
    with pytest.raises(ConversionError, match="overwrites an input that it still needs"):
        check_plan(replace(plan, places=places))
