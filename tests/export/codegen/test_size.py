"""Flash and RAM of a network, layer by layer."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgemnist.export.codegen.sizing.size import measure

from .build import File

M4 = ("arm-none-eabi-gcc", "-O2", "-mcpu=cortex-m4", "-mthumb")


def two_layers():
    file = File()
    source = file.tensor((1, 8, 8, 4), "int8", 0.1, 0)
    kernel = file.tensor((16, 1, 1, 4), "int8", 0.01, 0, np.ones((16, 1, 1, 4)))
    wide = file.tensor((1, 8, 8, 16), "int8", 0.1, 0, name="wide")
    bias = file.tensor((16,), "int32", 0.001, 0, np.zeros(16))
    file.operator("CONV_2D", [source, kernel, bias], [wide], "Conv2DOptions", strideH=1, strideW=1)
    matrix = file.tensor((10, 1024), "int8", 0.01, 0, np.ones((10, 1024)))
    last = file.tensor((1, 10), "int8", 0.1, 0, name="last")
    file.operator("FULLY_CONNECTED", [wide, matrix], [last], "FullyConnectedOptions")
    return file.content([source], [last])


def test_weights_and_memory_are_counted_layer_by_layer():
    size = measure(two_layers())
    convolution, dense = size.layers
    assert (convolution.operator, convolution.output, convolution.ram_bytes) == (
        "CONV_2D",
        (1, 8, 8, 16),
        1024,
    )
    assert 10 * 1024 <= dense.weight_bytes < 10 * 1024 + 200
    assert size.weight_bytes == convolution.weight_bytes + dense.weight_bytes
    assert (size.arena_bytes, size.end_bytes, size.code_bytes) == (1024, 256 + 10, None)


def test_what_does_not_fit_names_the_layer():
    size = measure(two_layers())
    assert size.excess(None, None) == size.excess(size.flash_bytes, size.ram_bytes) == []
    flash, ram = size.excess(size.flash_bytes - 1, size.ram_bytes - 1)
    assert "of flash" in flash and "FULLY_CONNECTED 'last' (layer 1)" in flash
    assert "of RAM" in ram and "CONV_2D 'wide' (layer 0)" in ram


@pytest.mark.skipif(
    shutil.which(M4[0]) is None,
    reason="arm-none-eabi-gcc not found. On Debian: apt-get install gcc-arm-none-eabi",
)
def test_code_is_counted_where_a_compiler_is():
    size = measure(two_layers(), M4, "arm-none-eabi-nm")
    assert all(50 < layer.code_bytes < 4000 for layer in size.layers)
    assert sum(layer.code_bytes for layer in size.layers) <= size.code_bytes
    assert size.flash_bytes == size.weight_bytes + size.code_bytes


@pytest.mark.slow
@pytest.mark.skipif("EDGEMNIST_MODELS" not in os.environ, reason="EDGEMNIST_MODELS names no folder of models")
def test_known_networks_keep_their_memory():
    for name, arena_bytes in (("kws", 8640), ("resnet8", 33792)):
        content = Path(os.environ["EDGEMNIST_MODELS"], f"{name}.int8.tflite").read_bytes()
        assert measure(content).arena_bytes == arena_bytes
