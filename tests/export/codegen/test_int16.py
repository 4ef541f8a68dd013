"""Operators on elements of 16 bits: the bytes of LiteRT's reference and of TensorFlow Lite Micro."""

import subprocess

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.export.codegen import Match, generate
from edgemnist.export.codegen.arithmetic.fixed_point import least_sums, round_in_double
from edgemnist.export.codegen.emitting.kernel_files import parameters, read_kernel, struct_fields
from edgemnist.export.codegen.emitting.writing import read_plan
from edgemnist.export.codegen.graph.ir import Node
from edgemnist.export.codegen.lowering.common import output_size
from edgemnist.export.codegen.lowering.wide_sums import once
from edgemnist.runtime.errors import ConversionError

from .build import File
from .run import WARNINGS, assert_exact
from .test_operators import activations, channels, exact, matches, paddings, scales, seeds, sizes

_EVERY = (np.arange(-32768, 32768, dtype=np.int32).astype(np.int16).reshape(1, 1, 65536),)
_BIASES = {"int32": schema.TensorType.INT32, "int64": schema.TensorType.INT64}
fine = st.floats(2e-5, 0.01)  # of elements of 16 bits


def _weights(draw, generator, shape):
    if draw(st.booleans()):
        return generator.choice(np.array([-127, 127, -128, 0], np.int8), shape)
    return generator.integers(-128, 128, shape, np.int8)


def _window(draw):
    """Return taps, stride, dilation of one axis."""
    dilation = draw(st.integers(1, 3)) if draw(st.booleans()) else 1
    return draw(st.integers(1, 5)), draw(st.integers(1, 3)), dilation


def _bias(draw, file, generator, scales_of_sums, filters, dtype):
    data = generator.integers(-(2**20), 2**20, filters)
    if dtype == "int64" and draw(st.booleans()):
        data[0] = draw(st.integers(-(2**40), 2**40))
    return file.tensor((filters,), dtype, scale=scales_of_sums, data=data)


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
    scale = draw(fine)
    weight_scales = generator.uniform(0.001, 0.02, filters if draw(st.booleans()) else 1).astype(np.float32)
    # from a whole range of outputs to saturation and multipliers above 1
    out_scale = draw(st.sampled_from((0.001, 0.02, 0.3, 4.0))) * float(scale)
    source = file.tensor((batches, height, width, depth), "int16", scale=scale)
    axis = 3 if depthwise else 0
    data = _weights(draw, generator, weights_shape)
    weights = file.tensor(weights_shape, scale=weight_scales, data=data, axis=axis)
    dtype = "int64" if depthwise else draw(st.sampled_from(tuple(_BIASES)))
    bias = _bias(draw, file, generator, weight_scales * scale, filters, dtype)
    output = file.tensor((batches, rows, columns, filters), "int16", scale=out_scale)
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
    else:
        options["quantizedBiasType"] = _BIASES[dtype]
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    kind = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    file.operator(name, [source, weights, bias], [output], kind, **options)
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
    rows, inputs, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 600)), draw(st.integers(1, 20))
    powers = draw(st.booleans())  # products that lie exactly between two results
    scale = 2.0**-12 if powers else draw(fine)
    weight_scales = np.full(outputs if draw(st.booleans()) else 1, 0.25, np.float32)
    if not powers:
        weight_scales = generator.uniform(0.001, 0.02, len(weight_scales)).astype(np.float32)
    out_scale = draw(st.sampled_from((0.002, 0.3, 40.0))) * float(scale)
    if powers:
        out_scale = 2.0 ** draw(st.integers(-13, 0))
    source = file.tensor((rows, inputs), "int16", scale=scale)
    data = _weights(draw, generator, (outputs, inputs))
    given_ = [source, file.tensor((outputs, inputs), scale=weight_scales, data=data)]
    dtype = draw(st.sampled_from(tuple(_BIASES)))
    if draw(st.integers(0, 4)):
        given_.append(_bias(draw, file, generator, weight_scales * scale, outputs, dtype))
    output = file.tensor((rows, outputs), "int16", scale=out_scale)
    options = {"fusedActivationFunction": draw(activations), "quantizedBiasType": _BIASES[dtype]}
    file.operator("FULLY_CONNECTED", given_, [output], "FullyConnectedOptions", **options)
    return file.content([source], [output])


@pytest.mark.slow
@exact
@given(dense_layers(), matches)
def test_dense_layers_are_exact(content, match):
    assert_exact(content, match, count=20)


@st.composite
def binary(draw, name):
    file, generator = File(), np.random.default_rng(draw(seeds))
    full = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    part = tuple(1 if draw(st.integers(0, 3)) == 0 else size for size in full)
    shapes = [full, part[draw(st.integers(0, len(part) - 1)) :]]
    if draw(st.booleans()):
        shapes.reverse()
    numbers = [file.tensor(one, "int16", scale=draw(fine)) for one in shapes]
    inputs = list(numbers)
    if draw(st.integers(0, 3)) == 0:
        data = generator.integers(-32768, 32768, shapes[1], np.int16)
        numbers[1] = file.tensor(shapes[1], "int16", scale=draw(fine), data=data)
        inputs = [numbers[0]]
    out_scale = draw(fine) * (0.01 if name == "MUL" else 1)
    output = file.tensor(np.broadcast_shapes(*shapes), "int16", scale=out_scale)
    options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}[name]
    file.operator(name, numbers, [output], options, fusedActivationFunction=draw(activations))
    return file.content(inputs, [output])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ADD", "SUB", "MUL"])
def test_sums_and_products_are_exact(name):
    @exact
    @given(binary(name), matches)
    def check(content, match):
        assert_exact(content, match, count=40)

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
    scale = draw(fine)
    source = file.tensor((batches, height, width, depth), "int16", scale=scale)
    rows = output_size(padding, height, taps[0], strides[0])
    columns = output_size(padding, width, taps[1], strides[1])
    output = file.tensor((batches, rows, columns, depth), "int16", scale=scale)
    options = {
        "padding": padding,
        "filterHeight": taps[0],
        "filterWidth": taps[1],
        "strideH": strides[0],
        "strideW": strides[1],
        "fusedActivationFunction": draw(activations),
    }
    file.operator(name, [source], [output], "Pool2DOptions", **options)
    return file.content([source], [output])


@st.composite
def means(draw, name):
    file = File()
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=4, max_size=4)))
    axes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
    scale = draw(fine)
    source = file.tensor(shape, "int16", scale=scale)
    keep = draw(st.booleans())
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes)
    output = file.tensor(kept, "int16", scale=draw(fine) if name == "MEAN" else scale)
    file.operator(name, [source, file.constant(axes)], [output], "ReducerOptions", keepDims=keep)
    return file.content([source], [output])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN", "REDUCE_MAX", "REDUCE_MIN"])
def test_windows_and_reductions_are_exact(name):
    make = pools if name.endswith("POOL_2D") else means

    @exact
    @given(make(name), st.just(Match.LITERT) if name.startswith("REDUCE") else matches)
    def check(content, match):
        assert_exact(content, match)

    check()


@st.composite
def softmaxes(draw):
    file = File()
    classes = draw(st.one_of(st.sampled_from((1, 2, 10, 511)), st.integers(1, 60)))
    shape = (draw(st.integers(1, 3)), classes)
    source = file.tensor(shape, "int16", scale=draw(st.floats(1e-6, 0.01)))
    output = file.tensor(shape, "int16", scale=1 / 32768)
    file.operator(
        "SOFTMAX", [source], [output], "SoftmaxOptions", beta=draw(st.sampled_from((1.0, 0.5, 3.0)))
    )
    return file.content([source], [output])


@pytest.mark.slow
@exact
@given(softmaxes(), matches)
def test_softmaxes_are_exact(content, match):
    assert_exact(content, match, count=50)


@st.composite
def unary(draw, name, size=65536):
    file = File()
    scale, out_scale = draw(fine), draw(fine)
    if name in {"LOGISTIC", "TANH"}:
        scale = draw(st.one_of(fine, st.sampled_from((2.0**-12, 2.0**-11, 2.0**-12 * 1.0003))))
        out_scale = 1 / 32768
    if name == "RELU6":
        scale = max(scale, 2e-4)  # TensorFlow Lite Micro refuses a 6 beyond the input's range
    source = file.tensor((1, size), "int16", scale=scale)
    output = file.tensor((1, size), "int16", scale=out_scale)
    kinds = {"LEAKY_RELU": "LeakyReluOptions", "QUANTIZE": "QuantizeOptions"}
    values = {"alpha": draw(st.sampled_from((0.01, 0.3, 1.5)))} if name == "LEAKY_RELU" else {}
    file.operator(name, [source], [output], kinds.get(name), **values)
    return file.content([source], [output])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["RELU", "RELU6", "LEAKY_RELU", "LOGISTIC", "TANH", "QUANTIZE"])
def test_activations_are_exact_for_every_element(name):
    @settings(exact, max_examples=6)
    @given(unary(name), matches)
    def check(content, match):
        assert_exact(content, match, inputs=_EVERY)

    check()


@pytest.mark.slow
@settings(exact, max_examples=6)
@given(fine, scales, st.booleans(), matches)
def test_elements_change_between_8_bits_and_16(narrow, wide, widens, match):
    file = File()
    ends = [("int16", narrow, 0), ("int8", wide, -7)]
    numbers = [
        file.tensor((1, 65536), dtype, scale=scale, zero=zero)
        for dtype, scale, zero in (ends[::-1] if widens else ends)
    ]
    file.operator("QUANTIZE", [numbers[0]], [numbers[1]], "QuantizeOptions")
    content = file.content([numbers[0]], [numbers[1]])
    assert_exact(content, match, inputs=(_EVERY[0].astype(np.int8),) if widens else _EVERY)


@pytest.mark.slow
@pytest.mark.parametrize("match", Match)
def test_a_network_of_8_and_16_bits_is_exact(match):
    """Each kernel in both widths in one file, with what only moves, and float32 ends."""
    file = File()
    source = file.tensor((1, 6, 6, 2), "float32")
    both = []
    for dtype, scale in (("int8", 0.02), ("int16", 1e-4)):
        first = file.tensor((1, 6, 6, 2), dtype, scale=scale)
        padded = file.tensor((1, 8, 8, 2), dtype, scale=scale)
        summed = file.tensor((1, 8, 8, 2), dtype, scale=scale * 2)
        pooled = file.tensor((1, 4, 4, 2), dtype, scale=scale * 2)
        turned = file.tensor((1, 4, 2, 4), dtype, scale=scale * 2)
        joined = file.tensor((1, 4, 2, 8), dtype, scale=scale * 2)
        mean = file.tensor((1, 8), dtype, scale=scale)
        real = file.tensor((1, 8), "float32")
        sides = file.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]]))
        file.operator("QUANTIZE", [source], [first], "QuantizeOptions")
        file.operator("PAD", [first, sides], [padded], "PadOptions")
        file.operator("ADD", [padded, padded], [summed], "AddOptions", potScaleInt16=False)
        sizes = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2, "padding": 1}
        file.operator("AVERAGE_POOL_2D", [summed], [pooled], "Pool2DOptions", **sizes)
        file.operator("TRANSPOSE", [pooled, file.constant([0, 1, 3, 2])], [turned], "TransposeOptions")
        file.operator("CONCATENATION", [turned, turned], [joined], "ConcatenationOptions", axis=3)
        file.operator("MEAN", [joined, file.constant([1, 2])], [mean], "ReducerOptions")
        file.operator("DEQUANTIZE", [mean], [real], "DequantizeOptions")
        both.append(real)
    assert_exact(file.content([source], both), match, count=20)


@st.composite
def scaled_pixels(draw, by_channel=False):
    """Raw pixels, made floats, scaled and moved, and quantized then, as `edgemnist export` writes it."""
    file, generator = File(), np.random.default_rng(draw(seeds))
    shape = (1, draw(sizes), draw(sizes), draw(channels))
    source = file.tensor(shape, "uint8")
    numbers = [file.tensor(shape, "float32") for _ in range(3)]
    output = file.tensor(shape, "int16", scale=draw(fine))
    file.operator("CAST", [source], [numbers[0]], "CastOptions", inDataType=3, outDataType=0)
    for position, name in enumerate(("MUL", draw(st.sampled_from(("ADD", "SUB"))))):
        size = shape[-1:] if by_channel or draw(st.booleans()) else ()
        by = file.constant(generator.uniform(-0.1, 0.1, size).astype(np.float32), "float32")
        ends = [numbers[position]], [numbers[position + 1]]
        file.operator(name, [*ends[0], by], ends[1], f"{name.title()}Options")
    file.operator("QUANTIZE", [numbers[2]], [output], "QuantizeOptions")
    return file.content([source], [output])


@pytest.mark.slow
@settings(exact, max_examples=8)
@given(scaled_pixels())
def test_scaled_pixels_are_exact(content):
    assert_exact(content, count=10)


@pytest.mark.slow
@pytest.mark.parametrize("pixels_are_an_output", [False, True])
def test_pixels_of_one_scale_are_a_table(pixels_are_an_output):
    file = File()
    source, real, scaled = (file.tensor((1, 256), dtype) for dtype in ("uint8", "float32", "float32"))
    outputs = [file.tensor((1, 256), "int16", scale=1e-4)]
    file.operator("CAST", [source], [real], "CastOptions", inDataType=3, outDataType=0)
    by = file.constant(np.float32(1 / 255), "float32")
    file.operator("MUL", [real, by], [scaled], "MulOptions")
    file.operator("QUANTIZE", [scaled], outputs, "QuantizeOptions")
    content = file.content([source], [*outputs, *[real] * pixels_are_an_output])
    every = np.arange(256, dtype=np.uint8).reshape(1, 1, 256)
    compiled = assert_exact(content, inputs=(every,))
    kernels = [step.kernel for step in compiled.plan.steps]
    floats = ["cast_float", "arithmetic_float", "quantize_float_int16"]
    assert kernels == (floats if pixels_are_an_output else ["lookup_int16"])


def test_pixels_that_tensorflow_lite_micro_cannot_cast_are_named_with_their_layer():
    file = File()
    source, output = file.tensor((1, 6), "uint8"), file.tensor((1, 6), "float32", name="model/real")
    file.operator("CAST", [source], [output], "CastOptions", inDataType=3, outDataType=0)
    with pytest.raises(ConversionError, match=r"CAST 'model/real'.*TensorFlow Lite Micro casts no uint8"):
        read_plan(file.content([source], [output]), Match.TFLM)


@pytest.mark.parametrize(("bits", "bias_bits"), [(24, 0), (31, 0), (34, 0), (30, 42)])
def test_wide_multipliers_round_as_double_precision_does(bits, bias_bits):
    """At each sum with which a result begins, and at the one before it, of all that there are."""
    generator, reach = np.random.default_rng(bits), 2 ** max(bits, bias_bits)
    factors = [*generator.uniform(0.3, 3, 3) * 2.0 ** (16 - bits), 2.0 ** (15 - bits)]
    node = Node("FULLY_CONNECTED", (), (), {}, 0)
    found = once(node, np.array(factors), np.full(4, reach), (-32768, 32767), narrow=False)
    for factor, multiplier in zip(factors, found.multipliers, strict=True):
        least = least_sums(factor, np.arange(-32767, 32768))
        sums = np.concatenate([least, least - 1, [-reach, reach]])
        expected = round_in_double(sums, factor)
        sums = sums.clip(-(2 ** (62 - found.bits)) + 1, 2 ** (62 - found.bits) - 1)
        upper = sums * (multiplier.value >> found.bits)
        lower = sums * (multiplier.value & ((1 << found.bits) - 1))
        half = 1 << (multiplier.exponent - 1)
        scaled = (upper + (lower >> found.bits) + half) >> multiplier.exponent
        np.testing.assert_array_equal(scaled.clip(-32768, 32767), expected.clip(-32768, 32767))


@pytest.fixture(scope="module")
def scaled_dense():
    """C of a dense layer on scaled floats, whose bias needs more than 32 bits."""
    file = File()
    source, scaled = (file.tensor((1, 3), "float32") for _ in range(2))
    given_, output = file.tensor((1, 3), "int16", scale=1e-4), file.tensor((1, 2), "int16", scale=8.0)
    by = file.constant(np.array([0.125, 0.5, 2.0], np.float32), "float32")
    weights = file.tensor((2, 3), scale=0.5, data=np.ones((2, 3), np.int8))
    bias = file.tensor((2,), "int64", scale=5e-5, data=np.array([2**33, 5]))
    file.operator("MUL", [source, by], [scaled], "MulOptions")
    file.operator("QUANTIZE", [scaled], [given_], "QuantizeOptions")
    file.operator("FULLY_CONNECTED", [given_, weights, bias], [output], "FullyConnectedOptions")
    return generate(file.content([source], [output]), "model")


@pytest.mark.parametrize(
    ("changed", "code"), [(None, 0), ((b"8589934592,", b"12884901888,"), 255), ((b"0.125f,", b"0.25f,"), 255)]
)
def test_the_checksum_is_of_whole_entries_of_any_type(scaled_dense, changed, code, tmp_path):
    text = scaled_dense.model if changed is None else scaled_dense.model.replace(*changed)
    assert (text == scaled_dense.model) == (changed is None)
    for ending, content in {**scaled_dense.companions, ".c": text}.items():
        (tmp_path / f"model.int16x8{ending}").write_bytes(content)
    command = ["gcc", *WARNINGS, "model.int16x8.c", "model.int16x8_selftest.c", "-o", "selftest"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "selftest"], check=False).returncode == code


def test_a_kernel_of_several_widths_is_written_for_each():
    """With names of its own for all that its file defines, so that both may be in one file of C."""
    narrow, wide = read_kernel("add"), read_kernel("add_int16")
    assert narrow.includes == wide.includes == ("requantize",)
    assert struct_fields("add_int16") == ("add_int16", struct_fields("add")[1])
    types = [one.type for one in parameters("add_int16")]
    assert types[:5] == [
        "const int16_t *",
        "const int16_t *",
        "int16_t *",
        "const struct addend_int16",
        "const struct addend_int16",
    ]
    assert "element_t" not in narrow.text + wide.text


def test_constants_that_are_no_numbers_are_named_with_their_layer():
    file = File()
    source, real, scaled = (file.tensor((1, 6), dtype) for dtype in ("uint8", "float32", "float32"))
    output = file.tensor((1, 6), "int16", scale=1e-4)
    file.operator("CAST", [source], [real], "CastOptions", inDataType=3, outDataType=0)
    by = file.tensor((), "float32", data=np.float32("nan"), name="by")
    file.operator("MUL", [real, by], [scaled], "MulOptions")
    file.operator("QUANTIZE", [scaled], [output], "QuantizeOptions")
    with pytest.raises(ConversionError, match=r"MUL 't2'.*the constant 'by' is not finite"):
        read_plan(file.content([source], [output]))


def test_scales_that_litert_adds_in_another_way_are_named_with_their_layer():
    file = File()
    source, other = (file.tensor((1, 6), "int16", scale=2.0**-10) for _ in range(2))
    output = file.tensor((1, 6), "int16", scale=2.0**-10, name="model/sum")
    file.operator("ADD", [source, other], [output], "AddOptions")
    content = file.content([source, other], [output])
    with pytest.raises(ConversionError, match=r"ADD 'model/sum'.*powers of two"):
        read_plan(content)
    assert_exact(content, Match.TFLM)


def test_operators_without_16_bits_are_named_with_their_layer():
    file = File()
    source = file.tensor((1, 6), "int16", scale=0.5)
    output = file.tensor((1, 6), "int16", scale=0.5, name="model/swish")
    file.operator("HARD_SWISH", [source], [output], "HardSwishOptions")
    with pytest.raises(ConversionError, match=r"HARD_SWISH 'model/swish'.*element type.*received int16"):
        read_plan(file.content([source], [output]))


def test_a_bias_that_litert_would_misread_is_named_with_its_layer():
    file = File()
    source = file.tensor((1, 6), "int16", scale=0.5)
    weights = file.tensor((2, 6), scale=0.5, data=np.ones((2, 6), np.int8))
    bias = file.tensor((2,), "int32", scale=0.25, data=np.ones(2))
    output = file.tensor((1, 2), "int16", scale=0.5, name="model/dense")
    file.operator("FULLY_CONNECTED", [source, weights, bias], [output], "FullyConnectedOptions")
    with pytest.raises(ConversionError, match=r"FULLY_CONNECTED 'model/dense'.*bias.*received int32"):
        read_plan(file.content([source], [output]))
