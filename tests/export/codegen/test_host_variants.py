"""Kernels for x86: their arithmetic tried against the reference's, and shapes that fill their tiles."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgemnist.export.codegen.arithmetic.fixed_point import Multiplier, multiply
from edgemnist.export.codegen.emitting.emit import choose
from edgemnist.export.codegen.emitting.writing import read_plan
from edgemnist.export.codegen.lowering.common import output_size
from edgemnist.export.codegen.variants import variant
from edgemnist.export.codegen.variants._addition import linear_table
from edgemnist.export.codegen.variants._products import HIGH, products_of

from .build import File
from .run import assert_exact

NONE, RELU = schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
tried = settings(max_examples=30, deadline=None, derandomize=True, database=None)
scales = st.floats(0.004, 2.0)
zeros = st.integers(-128, 127)


def _conv_2d(file, source, filters, taps, stride=1, *, dilation=1, padding=SAME, act=NONE, zero=3, seed=0):
    """Add a CONV_2D, or a DEPTHWISE_CONV_2D for no number of filters, whose outputs are of all sizes."""
    generator = np.random.default_rng(seed)
    batches, height, width, depth = file.tensors[source].shape
    channels = filters or depth
    shape = (filters, *taps, depth) if filters else (1, *taps, depth)
    weight_scales = generator.uniform(0.5, 1, channels).astype(np.float32) / np.float32(
        20 * np.prod(shape[1:]) ** 0.5
    )
    scale = float(file.tensors[source].quantization.scale[0])
    weights = file.tensor(
        shape,
        scale=weight_scales,
        data=generator.integers(-128, 128, shape, np.int8),
        axis=0 if filters else 3,
    )
    bias = generator.integers(-2000, 2000, channels)
    bias = file.tensor((channels,), "int32", scale=weight_scales * scale, data=bias)
    sizes = [
        output_size(padding, size, number, stride, dilation)
        for size, number in zip((height, width), taps, strict=True)
    ]
    output = file.tensor((batches, *sizes, channels), scale=scale * 4, zero=zero)
    options = {
        "padding": padding,
        "strideH": stride,
        "strideW": stride,
        "dilationHFactor": dilation,
        "dilationWFactor": dilation,
        "fusedActivationFunction": act,
    }
    if not filters:
        options["depthMultiplier"] = 1
    name, kind = ("CONV_2D", "Conv2DOptions") if filters else ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions")
    file.operator(name, [source, weights, bias], [output], kind, **options)
    return output


@tried
@given(scales, scales, zeros, st.sampled_from((NONE, RELU)), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_one_product_rounds_as_two_roundings_do(scale, out_scale, zero, activation, depth, seed):
    generator = np.random.default_rng(seed)
    file = File()
    source = file.tensor((1, 1, 1, depth), scale=scale, zero=-128)
    weight_scales = generator.uniform(0.0001, 0.02, 5).astype(np.float32)
    data = generator.integers(-128, 128, (5, 1, 1, depth), np.int8)
    weights = file.tensor((5, 1, 1, depth), scale=weight_scales, data=data)
    bias = file.tensor((5,), "int32", scale=weight_scales * scale, data=np.zeros(5, np.int32))
    output = file.tensor((1, 1, 1, 5), scale=out_scale, zero=zero)
    file.operator(
        "CONV_2D",
        [source, weights, bias],
        [output],
        "Conv2DOptions",
        strideH=1,
        strideW=1,
        dilationHFactor=1,
        dilationWFactor=1,
        fusedActivationFunction=activation,
    )
    (step,) = read_plan(file.content([source], [output])).steps
    by = products_of(step)
    if by is None:
        assert any(one >= 0 for one in step.tables[3].values)
        return
    low, high = step.values["range"].fields[1:]
    for channel in range(5):
        factor, bits = int(by.multiplier[channel]), int(by.bits[channel])
        reach = int(np.abs(data[channel].astype(int)).sum()) * 255
        # every sum near a step between two results, some anywhere, and the ends
        near = (np.arange(low - zero, high - zero + 2) - 0.5) * 2.0 ** (HIGH + bits) / factor
        sums = {int(step) + more for step in near for more in range(-2, 3) if abs(step) <= reach - 2}
        for total in {*sums, *generator.integers(-reach, reach + 1, 50).tolist(), -reach, reach, 0, -1}:
            product = (total + int(by.lift[channel])) * factor
            rest = int(by.rest[channel])
            found = (product >> (HIGH + bits)) + rest
            if by.by_sign:
                found = ((product >> HIGH) - (total < 0) + rest) >> bits
            assert product >= 0
            expected = multiply(total, Multiplier(factor, -bits)) + zero
            assert min(max(found, low), high) == min(max(expected, low), high)


def test_both_ways_to_round_by_one_product_are_found():
    """With RELU no negative sum matters; without, the way that asks for the sign nearly always does it."""
    found = []
    for activation, zero in ((RELU, -128), (NONE, 3)):
        file = File()
        source = file.tensor((1, 4, 4, 32), scale=0.05, zero=-128)
        output = _conv_2d(file, source, 32, (3, 3), act=activation, zero=zero)
        (step,) = read_plan(file.content([source], [output])).steps
        found.append(products_of(step).by_sign)
    assert found == [False, True]


@tried
@given(st.sampled_from(("ADD", "SUB")), scales, scales, st.floats(0.3, 3), zeros, zeros, zeros)
@example("ADD", 0.5, 0.5, 2, 3, 0, -1)  # nearly half of all sums are ties
@example("ADD", 0.5, 0.25, 1, -128, 127, 127)  # all are cut off below
@example("ADD", 0.25, 0.5, 1, 127, -128, -128)  # above
def test_a_linear_function_adds_as_three_roundings_do(
    name, first, second, quotient, zero, left_zero, right_zero
):
    file = File()
    inputs = [
        file.tensor((1, 8), scale=scale, zero=each)
        for scale, each in ((first, left_zero), (second, right_zero))
    ]
    output = file.tensor((1, 8), scale=max(first, second) * quotient, zero=zero)
    file.operator(name, inputs, [output], "AddOptions" if name == "ADD" else "SubOptions")
    (step,) = read_plan(file.content(inputs, [output])).steps
    table = linear_table(step)
    if table is None:
        return  # hardly ever: plain C adds
    low, high, start, bits, rest = (int(one) for one in table.values)
    factors = [
        (high_half << 15) + low_half for low_half, high_half in zip(_halves(low), _halves(high), strict=True)
    ]
    bytes_ = range(-128, 128)
    left, right = (
        [multiply((each + one.fields[0]) << 20, Multiplier(*one.fields[1:])) for each in bytes_]
        for one in (step.values["first"], step.values["second"])
    )
    last = Multiplier(step.values["multiplier"], step.values["exponent"])
    for a in range(0, 256, 15):
        for b in range(256):
            found = ((factors[0] * bytes_[a] + factors[1] * bytes_[b] + start) >> (bits + 15)) + rest
            expected = multiply(left[a] + step.shape["sign"] * right[b], last) + zero
            assert min(max(found, -128), 127) == min(max(expected, -128), 127)


def test_ties_do_not_prevent_a_linear_function():
    file = File()
    inputs = [file.tensor((1, 8), scale=0.5, zero=zero) for zero in (0, -1)]
    output = file.tensor((1, 8), scale=1.0, zero=3)
    file.operator("ADD", inputs, [output], "AddOptions")
    (step,) = read_plan(file.content(inputs, [output])).steps
    assert linear_table(step) is not None


def _halves(pair):
    return np.array([pair], np.int32).view(np.int16).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("width", [9, 30])
def test_whole_tiles_and_what_is_left_over_are_exact(width):
    """Few and many vectors of channels, with and without a rest; rows of one tile and of several."""
    file = File()
    source = file.tensor((2, 7, width, 3), scale=0.05, zero=-5)
    first = _conv_2d(file, source, 16, (3, 3), act=RELU, zero=-128, seed=1)
    shared = _conv_2d(file, first, 16, (3, 3), seed=2)
    added = file.tensor(file.tensors[first].shape, scale=0.9, zero=-7)
    file.operator("ADD", [first, shared], [added], "AddOptions")
    wide = _conv_2d(file, added, 32, (1, 1), 2, seed=3)
    deep = _conv_2d(file, wide, 70, (3, 3), act=RELU, zero=-128, seed=4)
    moved = _conv_2d(file, deep, None, (3, 3), act=RELU, zero=-128, seed=5)
    pixels = _conv_2d(file, moved, 64, (1, 1), act=RELU, zero=-128, seed=6)
    long = _conv_2d(file, pixels, None, (2, 6), dilation=2, seed=7)
    narrow = _conv_2d(file, long, 40, (4, 3), 2, seed=8)
    square = file.tensors[narrow].shape
    pooled = file.tensor((2, 1, 1, 40), scale=file.tensors[narrow].quantization.scale[0], zero=3)
    file.operator(
        "AVERAGE_POOL_2D",
        [narrow],
        [pooled],
        "Pool2DOptions",
        padding=VALID,
        strideH=1,
        strideW=1,
        filterHeight=square[1],
        filterWidth=square[2],
    )
    compiled = assert_exact(file.content([source], [pooled, pixels, added, narrow]), count=2)
    chosen = {
        choose(step, each).function.removeprefix(step.kernel)
        for step in compiled.plan.steps
        for each in (variant("avx2"), variant("avxvnni"), variant("vnni"))
    }
    assert chosen == {"_avx2", "_avxvnni", "_vnni"}  # nothing is left to plain C
