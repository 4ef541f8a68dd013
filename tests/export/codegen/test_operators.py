"""Single operators on random shapes: the bytes of LiteRT's reference and of TensorFlow Lite Micro."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edgemnist.export.codegen import Match
from edgemnist.export.codegen.emitting.writing import read_plan
from edgemnist.export.codegen.lowering.common import output_size
from edgemnist.runtime.errors import ConversionError

from .build import File
from .run import assert_exact

# Without shrinking, which would compile for many minutes.
exact = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
many = settings(exact, max_examples=100)  # of what compiles nothing
matches = st.sampled_from(Match)
scales = st.floats(0.004, 2.0)
zeros = st.one_of(st.sampled_from((-128, 127, 0, -1)), st.integers(-128, 127))
activations = st.sampled_from(
    (
        schema.ActivationFunctionType.NONE,
        schema.ActivationFunctionType.RELU,
        schema.ActivationFunctionType.RELU6,
        schema.ActivationFunctionType.RELU_N1_TO_1,
    )
)
paddings = st.sampled_from((schema.Padding.SAME, schema.Padding.VALID))
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)
channels = st.one_of(st.sampled_from((1, 3, 4, 8)), st.integers(1, 9))


def _weights(draw, generator, shape):
    if draw(st.booleans()):
        return generator.choice(np.array([-127, 127, -128, 0], np.int8), shape)
    return generator.integers(-128, 128, shape, np.int8)


def _window(draw):
    """Return taps, stride, dilation of one axis."""
    dilation = draw(st.integers(1, 3)) if draw(st.booleans()) else 1
    return draw(st.integers(1, 5)), draw(st.integers(1, 3)), dilation


@st.composite
def convolutions(draw, depthwise):
    file, generator = File(), np.random.default_rng(draw(seeds))
    batches, height, width, depth = draw(st.integers(1, 2)), draw(sizes), draw(sizes), draw(channels)
    (taps_y, stride_y, dilation_y), (taps_x, stride_x, dilation_x) = _window(draw), _window(draw)
    padding = draw(paddings)
    rows = output_size(padding, height, taps_y, stride_y, dilation_y)
    columns = output_size(padding, width, taps_x, stride_x, dilation_x)
    if min(rows, columns) < 1:
        padding = schema.Padding.SAME
        rows = output_size(padding, height, taps_y, stride_y, dilation_y)
        columns = output_size(padding, width, taps_x, stride_x, dilation_x)
    filters = depth * draw(st.integers(1, 3)) if depthwise else draw(channels)
    weights_shape = (1, taps_y, taps_x, filters) if depthwise else (filters, taps_y, taps_x, depth)
    per_channel = draw(st.booleans())
    scale = draw(scales)
    weight_scales = generator.uniform(0.001, 0.02, filters if per_channel else 1).astype(np.float32)
    # from a whole range of outputs to saturation and multipliers above 1
    out_scale = draw(st.sampled_from((0.001, 0.02, 0.3, 4.0))) * float(scale)
    source = file.tensor((batches, height, width, depth), scale=scale, zero=draw(zeros))
    weights = file.tensor(
        weights_shape,
        scale=weight_scales,
        data=_weights(draw, generator, weights_shape),
        axis=3 if depthwise else 0,
    )
    inputs = [source, weights]
    if not depthwise or draw(st.integers(0, 4)):  # LiteRT refuses a CONV_2D without
        bias = generator.integers(-20000, 20000, filters)
        inputs.append(file.tensor((filters,), "int32", scale=weight_scales * scale, data=bias))
    output = file.tensor((batches, rows, columns, filters), scale=out_scale, zero=draw(zeros))
    options = {
        "padding": padding,
        "strideH": stride_y,
        "strideW": stride_x,
        "dilationHFactor": dilation_y,
        "dilationWFactor": dilation_x,
        "fusedActivationFunction": draw(activations),
    }
    if depthwise:
        options["depthMultiplier"] = filters // depth
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    kind = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    file.operator(name, inputs, [output], kind, **options)
    return file.content([source], [output])


@pytest.mark.slow
@exact
@given(convolutions(depthwise=False), matches)
def test_convolutions_are_exact(content, match):
    assert_exact(content, match)


@pytest.mark.slow
@exact
@given(convolutions(depthwise=True), matches)
def test_depthwise_convolutions_are_exact(content, match):
    assert_exact(content, match)


@st.composite
def dense_layers(draw):
    file, generator = File(), np.random.default_rng(draw(seeds))
    rows, inputs, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 40)), draw(st.integers(1, 20))
    per_channel = draw(st.booleans())
    powers = draw(st.booleans())  # products that lie exactly between two results
    scale = 0.5 if powers else draw(scales)
    weight_scales = np.full(outputs if per_channel else 1, 0.25, np.float32)
    if not powers:
        weight_scales = generator.uniform(0.001, 0.02, len(weight_scales)).astype(np.float32)
    out_scale = draw(st.sampled_from((0.001, 0.02, 0.3, 4.0))) * float(scale)
    if powers:
        out_scale = draw(st.sampled_from((0.125, 1.0, 16.0, 256.0)))
    zero = draw(zeros)
    first = source = file.tensor((rows, inputs), scale=scale, zero=zero)
    if draw(st.booleans()):
        first = file.tensor((rows, inputs), "uint8", scale=scale, zero=zero + 128)
        file.operator("QUANTIZE", [first], [source])
    weights = file.tensor(
        (outputs, inputs), scale=weight_scales, data=_weights(draw, generator, (outputs, inputs))
    )
    given = [source, weights]
    if draw(st.integers(0, 4)):
        bias = generator.integers(-2000, 2000, outputs)
        given.append(file.tensor((outputs,), "int32", scale=weight_scales * scale, data=bias))
    output = file.tensor((rows, outputs), scale=out_scale, zero=draw(zeros))
    file.operator(
        "FULLY_CONNECTED",
        given,
        [output],
        "FullyConnectedOptions",
        fusedActivationFunction=draw(activations),
    )
    return file.content([first], [output])


@pytest.mark.slow
@exact
@given(dense_layers(), matches)
def test_dense_layers_are_exact(content, match):
    assert_exact(content, match, count=10)


@st.composite
def binary(draw, name):
    file, generator = File(), np.random.default_rng(draw(seeds))
    full = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))

    def part():
        shape = tuple(1 if draw(st.integers(0, 3)) == 0 else size for size in full)
        return shape[draw(st.integers(0, len(shape) - 1)) if draw(st.booleans()) else 0 :]

    shapes = [full, part()]
    if draw(st.booleans()):
        shapes.reverse()
    shape = np.broadcast_shapes(*shapes)
    numbers = [file.tensor(one, scale=draw(scales), zero=draw(zeros)) for one in shapes]
    inputs = list(numbers)
    if draw(st.integers(0, 3)) == 0:
        data = generator.integers(-128, 128, shapes[1], np.int8)
        numbers[1] = file.tensor(shapes[1], scale=draw(scales), zero=draw(zeros), data=data)
        inputs = [numbers[0]]
    output = file.tensor(shape, scale=draw(scales), zero=draw(zeros))
    options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}[name]
    file.operator(name, numbers, [output], options, fusedActivationFunction=draw(activations))
    return file.content(inputs, [output])


@pytest.mark.parametrize("name", ["ADD", "SUB", "MUL"])
def test_sums_and_products_are_exact(name):
    @exact
    @given(binary(name), matches)
    def check(content, match):
        assert_exact(content, match)

    check()


@st.composite
def pools(draw, name):
    file = File()
    batches, height, width, depth = draw(st.integers(1, 2)), draw(sizes), draw(sizes), draw(channels)
    padding = draw(paddings)
    taps = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    if padding == schema.Padding.VALID:
        taps = min(taps[0], height), min(taps[1], width)
    strides = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    scale, zero = draw(scales), draw(zeros)
    source = file.tensor((batches, height, width, depth), scale=scale, zero=zero)
    shape = (
        batches,
        output_size(padding, height, taps[0], strides[0]),
        output_size(padding, width, taps[1], strides[1]),
        depth,
    )
    output = file.tensor(shape, scale=scale, zero=zero)
    file.operator(
        name,
        [source],
        [output],
        "Pool2DOptions",
        padding=padding,
        filterHeight=taps[0],
        filterWidth=taps[1],
        strideH=strides[0],
        strideW=strides[1],
        fusedActivationFunction=draw(activations),
    )
    return file.content([source], [output])


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pools_are_exact(name):
    @exact
    @given(pools(name), matches)
    def check(content, match):
        assert_exact(content, match)

    check()


def test_a_pool_may_have_nearly_the_scale_of_its_input():
    """LiteRT ignores differences of up to a millionth, which tools that write files leave."""
    for out_scale in (0.0200009, 0.0200012):
        file = File()
        source = file.tensor((1, 4, 4, 2), scale=0.02, zero=3)
        output = file.tensor((1, 2, 2, 2), scale=out_scale, zero=3)
        sizes = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2}
        file.operator("AVERAGE_POOL_2D", [source], [output], "Pool2DOptions", padding=1, **sizes)
        content = file.content([source], [output])
        if out_scale - 0.02 < 1e-6:
            assert_exact(content)
        else:
            with pytest.raises(ConversionError, match="another scale than its input"):
                read_plan(content)


@st.composite
def means(draw):
    file = File()
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=4, max_size=4)))
    axes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
    source = file.tensor(shape, scale=draw(scales), zero=draw(zeros))
    keep = draw(st.booleans())
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes)
    output = file.tensor(kept, scale=draw(scales), zero=draw(zeros))
    signed = [axis - 4 if draw(st.booleans()) else axis for axis in axes]
    file.operator("MEAN", [source, file.constant(signed)], [output], "ReducerOptions", keepDims=keep)
    return file.content([source], [output])


@exact
@given(means(), matches)
def test_means_are_exact(content, match):
    assert_exact(content, match)


@st.composite
def softmaxes(draw):
    file = File()
    classes = draw(st.one_of(st.sampled_from((1, 2, 10, 511)), st.integers(1, 60)))
    shape = (draw(st.integers(1, 3)), classes)
    source = file.tensor(shape, scale=draw(st.floats(0.0001, 4.0)), zero=draw(zeros))
    output = file.tensor(shape, scale=1 / 256, zero=-128)
    file.operator(
        "SOFTMAX", [source], [output], "SoftmaxOptions", beta=draw(st.sampled_from((1.0, 0.5, 3.0)))
    )
    return file.content([source], [output])


@exact
@given(softmaxes(), matches)
def test_softmaxes_are_exact(content, match):
    assert_exact(content, match, count=20)


_UNARY = {
    "RELU": None,
    "RELU6": None,
    "RELU_N1_TO_1": None,
    "LEAKY_RELU": "LeakyReluOptions",
    "LOGISTIC": None,
    "TANH": None,
    "HARD_SWISH": "HardSwishOptions",
}


@st.composite
def activation_layers(draw, name):
    file = File()
    shape = (1, 256)
    scale, zero = draw(scales), draw(zeros)
    out_scale, out_zero = draw(scales), draw(zeros)
    if name == "LOGISTIC":
        out_scale, out_zero = 1 / 256, -128
    if name == "TANH":
        out_scale, out_zero = 1 / 128, 0
    if name == "RELU6":
        scale = draw(st.floats(0.05, 2.0))  # TensorFlow Lite Micro refuses a 6 beyond the input's range
        zero = draw(st.integers(-128, 0))
    if name == "HARD_SWISH":
        out_scale = max(out_scale, scale / 100)
    source = file.tensor(shape, scale=scale, zero=zero)
    output = file.tensor(shape, scale=out_scale, zero=out_zero)
    values = {"alpha": draw(st.sampled_from((0.01, 0.3, 1.5)))} if name == "LEAKY_RELU" else {}
    file.operator(name, [source], [output], _UNARY[name], **values)
    return file.content([source], [output])


_ALL_BYTES = (np.arange(-128, 128, dtype=np.int16).astype(np.int8).reshape(1, 1, 256),)


@pytest.mark.parametrize("name", _UNARY)
def test_activations_are_exact_for_every_byte(name):
    @settings(exact, max_examples=8)
    @given(activation_layers(name), matches)
    def check(content, match):
        if name != "RELU_N1_TO_1" or match is Match.LITERT:
            assert_exact(content, match, inputs=_ALL_BYTES)

    check()


@st.composite
def requantizations(draw):
    file = File()
    dtypes = draw(st.sampled_from((("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"))))
    source = file.tensor(
        (1, 256), dtypes[0], scale=draw(scales), zero=draw(zeros) + 128 * (dtypes[0] == "uint8")
    )
    output = file.tensor(
        (1, 256), dtypes[1], scale=draw(scales), zero=draw(zeros) + 128 * (dtypes[1] == "uint8")
    )
    file.operator("QUANTIZE", [source], [output], "QuantizeOptions")
    return file.content([source], [output])


@exact
@given(requantizations(), matches)
def test_requantizations_are_exact(content, match):
    assert_exact(content, match)
