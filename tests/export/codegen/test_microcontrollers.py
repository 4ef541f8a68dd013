"""Kernels for Cortex-M processors: the same bytes as the reference, on the instructions of each."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given

from edgemnist.export.codegen import Match

from .build import File
from .firmware import BOARDS, Firmware
from .test_operators import binary, convolutions, dense_layers, exact, matches

pytestmark = pytest.mark.slow  # hundreds of programs, compiled and emulated
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
RELU, NONE = schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.NONE


def _convolution(shape, filters, taps, stride=1, padding=SAME, dilation=1, depthwise=False, zero=-128):
    """Return a file of a convolution as networks have them: weights around 0, a ReLU's range."""
    file, generator = File(), np.random.default_rng(filters + shape[1] + taps[0])
    height, width, depth = shape
    kernel = (1, *taps, filters) if depthwise else (filters, *taps, depth)
    data = generator.normal(0, 40, kernel).round().clip(-127, 127).astype(np.int8)
    scales = generator.uniform(0.002, 0.006, filters).astype(np.float32)
    sizes = [
        -(-size // stride) if padding == SAME else (size - (tap - 1) * dilation - 1) // stride + 1
        for size, tap in zip((height, width), taps, strict=True)
    ]
    source = file.tensor((1, *shape), scale=0.02, zero=zero)
    weights = file.tensor(kernel, scale=scales, data=data, axis=3 if depthwise else 0)
    bias = generator.integers(-9000, 9000, filters)
    given = [source, weights, file.tensor((filters,), "int32", scale=scales * 0.02, data=bias)]
    spread = 0.004 * 40 * 0.02 * 150 * np.sqrt(np.prod(taps) * (1 if depthwise else depth)) / 128
    output = file.tensor((1, *sizes, filters), scale=float(spread), zero=-128 if zero == -128 else 11)
    options = {
        "padding": padding,
        "strideH": stride,
        "strideW": stride,
        "dilationHFactor": dilation,
        "dilationWFactor": dilation,
        "fusedActivationFunction": RELU if zero == -128 else NONE,
    }
    if depthwise:
        name, kind = "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"
        options["depthMultiplier"] = filters // depth
    else:
        name, kind = "CONV_2D", "Conv2DOptions"
    file.operator(name, given, [output], kind, **options)
    return file.content([source], [output])


def _dense(inputs, outputs, *, is_unsigned=False, least=-127):
    file, generator = File(), np.random.default_rng(inputs)
    data = generator.normal(0, 40, (outputs, inputs)).round().clip(-127, 127).astype(np.int8)
    data[0, 0] = least
    first = source = file.tensor((1, inputs), scale=0.02, zero=3)
    if is_unsigned:
        first = file.tensor((1, inputs), "uint8", scale=0.02, zero=131)
        file.operator("QUANTIZE", [first], [source])
    weights = file.tensor((outputs, inputs), scale=0.004, data=data)
    output = file.tensor((1, outputs), scale=float(0.004 * 0.02 * 40 * np.sqrt(inputs)), zero=-9)
    file.operator("FULLY_CONNECTED", [source, weights, -1], [output], "FullyConnectedOptions")
    return file.content([first], [output])


def _sum(name, size, left=(0.02, -128), right=(0.05, 4)):
    file = File()
    inputs = [file.tensor((1, size), scale=scale, zero=zero) for scale, zero in (left, right)]
    output = file.tensor((1, size), scale=0.06, zero=-20)
    file.operator(name, inputs, [output], f"{name.title()}Options")
    return file.content(inputs, [output])


LAYERS = {
    "first of colours": _convolution((9, 8, 3), 16, (3, 3)),
    "first of sound": _convolution((13, 10, 1), 8, (10, 4), stride=2, zero=83),
    "16 to 16": _convolution((6, 5, 16), 16, (3, 3), zero=4),
    "24 to 20, every other": _convolution((7, 7, 24), 20, (3, 3), stride=2),
    "64 to 64": _convolution((4, 4, 64), 64, (3, 3)),
    "pointwise": _convolution((3, 5, 64), 12, (1, 1)),
    "pointwise, every other": _convolution((5, 5, 16), 32, (1, 1), stride=2, zero=-17),
    "not padded": _convolution((6, 6, 8), 7, (3, 2), padding=VALID),
    "dilated": _convolution((8, 9, 12), 4, (3, 3), dilation=2),
    "five by five": _convolution((6, 6, 20), 5, (5, 5), zero=1),
    "large": _convolution((3, 3, 256), 4, (3, 3)),
    "too large to copy": _convolution((3, 3, 272), 4, (3, 3)),
    "channel by channel": _convolution((6, 5, 16), 16, (3, 3), depthwise=True),
    "channel by channel, every other": _convolution((9, 7, 8), 8, (3, 3), 2, depthwise=True, zero=5),
    "channel by channel, dilated": _convolution((9, 9, 24), 24, (3, 3), dilation=2, depthwise=True),
    "twelve channels": _convolution((5, 5, 12), 12, (5, 5), depthwise=True, zero=-3),
    "two filters a channel": _convolution((5, 5, 4), 8, (3, 3), depthwise=True),
    "dense": _dense(128, 16),
    "dense, bytes": _dense(784, 16, is_unsigned=True),
    "dense, bytes, nothing even": _dense(71, 13, is_unsigned=True),
    "dense, nothing even": _dense(71, 13),
    "dense, small": _dense(3, 5),
    "dense, with the least weight": _dense(64, 16, least=-128),
    "dense, wide": _dense(1500, 3),
    "sum": _sum("ADD", 1003),
    "difference": _sum("SUB", 37, left=(0.05, 7), right=(0.05, -128)),
    "sum of small and large": _sum("ADD", 64, left=(0.0004, 0), right=(0.11, 3)),
}


def _drawn():
    """Return random layers, with all that TFLite has."""
    found = []
    for strategy in (convolutions(False), convolutions(True), dense_layers(), binary("ADD"), binary("SUB")):

        @exact
        @given(strategy, matches)
        def collect(content, match):
            found.append((content, match))

        collect()
    return found


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    cases = [(content, match) for content in LAYERS.values() for match in Match]
    return Firmware(tmp_path_factory.mktemp("firmware"), cases)


@pytest.fixture(scope="module")
def drawn_firmware(tmp_path_factory):
    return Firmware(tmp_path_factory.mktemp("drawn"), _drawn(), count=2)


boards = pytest.mark.parametrize(
    "board",
    [
        pytest.param(board, id=name, marks=pytest.mark.skipif(bool(board.missing), reason=board.missing))
        for name, board in BOARDS.items()
    ],
)


@boards
def test_layers_of_networks_are_exact(firmware, board):
    assert not firmware.run(board)


@boards
def test_random_layers_are_exact(drawn_firmware, board):
    assert not drawn_firmware.run(board, "-O1")
