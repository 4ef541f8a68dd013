"""A small network of the operators that have kernels for WebAssembly, built with the schema alone."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..codegen.build import File

SAME = schema.Padding.SAME
NONE = schema.ActivationFunctionType.NONE
RELU = schema.ActivationFunctionType.RELU


def small_network() -> bytes:
    """Return a TFLite file: int8 (1, 9, 7, 3) to int8 (1, 5)."""
    file, generator = File(), np.random.default_rng(7)

    def weights(*shape, axis):
        data = generator.integers(-127, 128, shape, np.int8)
        scales = generator.uniform(0.002, 0.01, shape[axis]).astype(np.float32)
        return file.tensor(shape, scale=scales, data=data, axis=axis), scales

    def bias(scales, scale):
        data = generator.integers(-3000, 3000, len(scales))
        return file.tensor((len(scales),), "int32", scale=scales * scale, data=data)

    source = file.tensor((1, 9, 7, 3), scale=0.02, zero=-5, name="image")
    kernel, scales = weights(6, 3, 3, 3, axis=0)
    first = file.tensor((1, 9, 7, 6), scale=0.1, zero=-128)
    file.operator(
        "CONV_2D", [source, kernel, bias(scales, 0.02)], [first], "Conv2DOptions",
        padding=SAME, strideH=1, strideW=1, fusedActivationFunction=RELU,
    )  # fmt: skip
    kernel, scales = weights(1, 3, 3, 6, axis=3)
    second = file.tensor((1, 9, 7, 6), scale=0.15, zero=3)
    file.operator(
        "DEPTHWISE_CONV_2D", [first, kernel, bias(scales, 0.1)], [second], "DepthwiseConv2DOptions",
        padding=SAME, strideH=1, strideW=1, depthMultiplier=1, fusedActivationFunction=NONE,
    )  # fmt: skip
    total = file.tensor((1, 9, 7, 6), scale=0.2, zero=-20)
    file.operator("ADD", [first, second], [total], "AddOptions", fusedActivationFunction=NONE)
    kernel, scales = weights(5, 9 * 7 * 6, axis=0)
    logits = file.tensor((1, 5), scale=0.5, zero=0)
    file.operator(
        "FULLY_CONNECTED", [total, kernel, bias(scales, 0.2)], [logits], "FullyConnectedOptions",
        fusedActivationFunction=NONE,
    )  # fmt: skip
    shares = file.tensor((1, 5), scale=1 / 256, zero=-128, name="probabilities")
    file.operator("SOFTMAX", [logits], [shares], "SoftmaxOptions", beta=1.0)
    return file.content([source], [shares])
