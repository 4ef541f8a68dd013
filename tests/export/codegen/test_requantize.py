"""The kernels' rounding, against integers of any size, with products of 64 bits and with those of 32."""

import ctypes
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from edgemnist.export import codegen
from edgemnist.export.codegen.arithmetic.fixed_point import Multiplier, Rounding, multiply
from edgemnist.export.codegen.lowering.sums import LARGEST_SUM

_SOURCE = """
#include <stdint.h>
#include "requantize.c"
int32_t scaled(int32_t sum, int32_t multiplier, int32_t exponent, int32_t rounding);
int32_t scaled(int32_t sum, int32_t multiplier, int32_t exponent, int32_t rounding)
{
    return scale(sum, multiplier, exponent, rounding);
}
"""
_EDGES = (0, 1, 2, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x10000, 0x17FFF, 0x18000, LARGEST_SUM - 1, LARGEST_SUM)
_MULTIPLIERS = (2**30, 2**30 + 0x7FFF, 2**30 + 0x8000, 2**31 - 0x8001, 2**31 - 0x8000, 2**31 - 1)


@pytest.fixture(scope="module", params=["", "-DSHORT_PRODUCTS"], ids=["long", "short"])
def scaled(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale")
    (folder / "scale.c").write_text(_SOURCE)
    flags = ["-std=c99", "-O1", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    kernels = files(codegen) / "kernels"
    command = [
        "gcc",
        *flags,
        *request.param.split(),
        f"-I{kernels}",
        "-shared",
        "-fPIC",
        "scale.c",
        "-o",
        "s.so",
    ]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "s.so")).scaled


def _cases():
    generator = np.random.default_rng(0)
    sums = [*_EDGES, *generator.integers(0, LARGEST_SUM, 60), *generator.integers(0, 2**20, 60)]
    multipliers = [*_MULTIPLIERS, *generator.integers(2**30, 2**31, 40)]
    return [(sign * int(one), int(value)) for one in sums for value in multipliers for sign in (1, -1)]


@pytest.mark.parametrize("exponent", [-1, -2, -8, -30])
def test_sums_are_rounded_twice(scaled, exponent):
    for one, value in _cases():
        expected = multiply(one, Multiplier(value, exponent))
        assert scaled(one, value, exponent, Rounding.TWICE) == expected, (one, value)


@pytest.mark.parametrize("exponent", [-2, -3, -8, -30])
def test_sums_are_rounded_once(scaled, exponent):
    for one, value in _cases():
        expected = (one * value + (1 << (30 - exponent))) >> (31 - exponent)
        assert scaled(one, value, exponent, Rounding.ONCE) == expected, (one, value)
        assert scaled(one, value, exponent, Rounding.ONCE_ANY) == expected, (one, value)
