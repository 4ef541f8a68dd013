"""Operators that move elements, on random shapes: the bytes of LiteRT's reference kernels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.export.codegen import Match

from .build import File
from .run import assert_exact
from .test_operators import exact, matches, scales, seeds, zeros

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def _file(draw, shape):
    file = File()
    quantization = {"scale": draw(scales), "zero": draw(zeros)}
    return file, file.tensor(shape, **quantization), quantization


@st.composite
def paddings(draw):
    shape = draw(shapes)
    file, source, quantization = _file(draw, shape)
    amounts = [[draw(st.integers(0, 2)), draw(st.integers(0, 2))] for _ in shape]
    wanted = [size + sum(pair) for size, pair in zip(shape, amounts, strict=True)]
    output = file.tensor(wanted, **quantization)
    file.operator("PAD", [source, file.constant(amounts)], [output], "PadOptions")
    return file.content([source], [output])


@st.composite
def transpositions(draw):
    shape = draw(shapes)
    file, source, quantization = _file(draw, shape)
    order = draw(st.permutations(range(len(shape))))
    output = file.tensor([shape[axis] for axis in order], **quantization)
    file.operator("TRANSPOSE", [source, file.constant(order)], [output], "TransposeOptions")
    return file.content([source], [output])


@st.composite
def concatenations(draw):
    shape = list(draw(shapes))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    file = File()
    quantization = {"scale": draw(scales), "zero": draw(zeros)}
    parts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    inputs = []
    for part in parts:
        shape[axis] = part
        inputs.append(file.tensor(shape, **quantization))
    shape[axis] = sum(parts)
    output = file.tensor(shape, **quantization)
    file.operator("CONCATENATION", inputs, [output], "ConcatenationOptions", axis=axis)
    return file.content(inputs, [output])


@st.composite
def slices(draw):
    shape = draw(shapes)
    file, source, quantization = _file(draw, shape)
    begins, ends, strides, masks = [], [], [], {"begin": 0, "end": 0, "shrinkAxis": 0}
    index = []
    for bit, size in enumerate(shape):
        stride = draw(st.sampled_from((1, 1, 2, -1, -2)))
        begin, end = sorted((draw(st.integers(0, size - 1)), draw(st.integers(0, size))))
        if end == begin:
            begin, end = 0, size
        if stride < 0:
            begin, end = end - 1, begin - 1
        shrink = draw(st.integers(0, 5)) == 0
        masked = draw(st.integers(0, 3)) == 0 or end < 0
        if shrink:
            begin, end, stride = abs(begin), abs(begin) + 1, 1
            masks["shrinkAxis"] |= 1 << bit
        elif masked:
            masks["end"] |= 1 << bit
        index.append(begin if shrink else slice(begin, None if masked else end, stride))
        # the same place counted from the end
        begins.append(begin - size if draw(st.booleans()) else begin)
        ends.append(end)
        strides.append(stride)
    output = file.tensor(np.empty(shape)[tuple(index)].shape, **quantization)
    bounds = [file.constant(each) for each in (begins, ends, strides)]
    options = {f"{name}Mask": value for name, value in masks.items()}
    file.operator("STRIDED_SLICE", [source, *bounds], [output], "StridedSliceOptions", **options)
    return file.content([source], [output])


@st.composite
def splits(draw):
    shape = list(draw(shapes))
    axis = draw(st.integers(0, len(shape) - 1))
    count = draw(st.integers(1, 3))
    part = shape[axis]
    shape[axis] *= count
    file, source, quantization = _file(draw, shape)
    shape[axis] = part
    outputs = [file.tensor(shape, **quantization) for _ in range(count)]
    file.operator("SPLIT", [file.constant(axis), source], outputs, "SplitOptions", numSplits=count)
    return file.content([source], outputs)


@st.composite
def resizes(draw):
    batches, height, width, depth = (draw(st.integers(1, 5)) for _ in range(4))
    file, source, quantization = _file(draw, (batches, height, width, depth))
    wanted = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    output = file.tensor((batches, *wanted, depth), **quantization)
    corners = draw(st.sampled_from(({}, {"alignCorners": True}, {"halfPixelCenters": True})))
    file.operator(
        "RESIZE_NEAREST_NEIGHBOR",
        [source, file.constant(wanted)],
        [output],
        "ResizeNearestNeighborOptions",
        **corners,
    )
    return file.content([source], [output])


@st.composite
def dilated_blocks(draw, most_padded=3):
    """SPACE_TO_BATCH_ND with padding, and BATCH_TO_SPACE_ND with cropping of what comes out."""
    batches, height, width, depth = (draw(st.integers(1, 5)) for _ in range(4))
    file, source, quantization = _file(draw, (batches, height, width, depth))
    blocks = [draw(st.integers(1, 3)), draw(st.integers(1, 3))]
    if not most_padded:
        height, width = height * blocks[0], width * blocks[1]
        file, source, quantization = _file(draw, (batches, height, width, depth))
    pads = [[draw(st.integers(0, most_padded)), draw(st.integers(0, most_padded))] for _ in blocks]
    for pair, block, size in zip(pads, blocks, (height, width), strict=True):
        pair[1] += -(size + sum(pair)) % block
    small = [
        (size + sum(pair)) // block for pair, block, size in zip(pads, blocks, (height, width), strict=True)
    ]
    middle = file.tensor((batches * blocks[0] * blocks[1], *small, depth), **quantization)
    crops = [
        [draw(st.integers(0, (one * block - 1) // 2)) for _ in "ab"]
        for one, block in zip(small, blocks, strict=True)
    ]
    large = [one * block - sum(pair) for one, block, pair in zip(small, blocks, crops, strict=True)]
    output = file.tensor((batches, *large, depth), **quantization)
    file.operator(
        "SPACE_TO_BATCH_ND",
        [source, file.constant(blocks), file.constant(pads)],
        [middle],
        "SpaceToBatchNDOptions",
    )
    file.operator(
        "BATCH_TO_SPACE_ND",
        [middle, file.constant(blocks), file.constant(crops)],
        [output],
        "BatchToSpaceNDOptions",
    )
    return file.content([source], [output])


@st.composite
def unpacked(draw):
    shape = draw(shapes)
    file, source, quantization = _file(draw, shape)
    axis = draw(st.integers(0, len(shape) - 1))
    part = [*shape[:axis], *shape[axis + 1 :]]
    parts = [file.tensor(part, **quantization) for _ in range(shape[axis])]
    packed = file.tensor((shape[axis], *part), **quantization)
    file.operator("UNPACK", [source], parts, "UnpackOptions", num=shape[axis], axis=axis)
    file.operator("PACK", parts[::-1], [packed], "PackOptions", valuesCount=shape[axis], axis=0)
    return file.content([source], [packed])


@pytest.mark.slow
@pytest.mark.parametrize(
    "files", [paddings, transpositions, concatenations, slices, splits, resizes, unpacked]
)
def test_moved_elements_are_exact(files):
    @exact
    @given(files(), matches)
    def check(content, match):
        assert_exact(content, match, count=2)

    check()


@st.composite
def float_ends(draw):
    file = File()
    shape = (1, draw(st.integers(1, 40)))
    dtype = draw(st.sampled_from(("int8", "uint8")))
    quantization = {"scale": draw(scales), "zero": draw(zeros) + 128 * (dtype == "uint8")}
    source, output = file.tensor(shape, "float32"), file.tensor(shape, "float32")
    between = file.tensor(shape, dtype, **quantization)
    file.operator("QUANTIZE", [source], [between], "QuantizeOptions")
    file.operator("DEQUANTIZE", [between], [output], "DequantizeOptions")
    generator = np.random.default_rng(draw(seeds))
    step = np.float32(quantization["scale"])
    halves = (generator.integers(-300, 300, (8, *shape)) / 2).astype(np.float32) * step
    wide = generator.normal(size=(8, *shape)).astype(np.float32) * 1000
    inputs = (np.concatenate([halves, wide]),)
    # TensorFlow Lite Micro quantizes to int8 only
    return file.content([source], [output]), inputs, draw(matches) if dtype == "int8" else Match.LITERT


@pytest.mark.slow
@exact
@given(float_ends())
def test_float_ends_are_exact(case):
    content, inputs, match = case
    assert_exact(content, match, inputs=inputs)


@st.composite
def tiles(draw):
    shape = draw(shapes)
    file, source, quantization = _file(draw, shape)
    counts = [draw(st.integers(1, 3)) for _ in shape]
    tiled = [size * count for size, count in zip(shape, counts, strict=True)]
    output = file.tensor(tiled, **quantization)
    file.operator("TILE", [source, file.constant(counts)], [output], "TileOptions")
    return file.content([source], [output])


@pytest.mark.slow
@exact
@given(dilated_blocks())
def test_blocks_around_dilated_convolutions_are_exact(content):
    assert_exact(content, count=2)


@pytest.mark.slow
@exact
@given(dilated_blocks(most_padded=0))
def test_blocks_without_padding_match_tensorflow_lite_micro_too(content):
    assert_exact(content, Match.TFLM, count=2)


@pytest.mark.slow
@exact
@given(tiles())
def test_tiles_are_exact(content):
    assert_exact(content, count=2)


@st.composite
def extremes(draw):
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=4, max_size=4)))
    file, source, quantization = _file(draw, shape)
    axes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
    keep = draw(st.booleans())
    kept = [1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes]
    output = file.tensor(kept, **quantization)
    name = draw(st.sampled_from(("REDUCE_MAX", "REDUCE_MIN")))
    file.operator(name, [source, file.constant(axes)], [output], "ReducerOptions", keepDims=keep)
    return file.content([source], [output])


@pytest.mark.slow
@exact
@given(extremes(), matches)
def test_extremes_are_exact(content, match):
    assert_exact(content, match, count=2)
