"""What the header offers beside the call: real values in and out, and an arena of its own."""

import ctypes
import subprocess

import numpy as np
import pytest

from edgemnist.export.codegen import generate

from .build import File
from .run import WARNINGS

DRIVER = """
#define M_STATIC_ARENA
#include "m.int8.c"
void quantize_all(const float *real, int32_t count, {kind}_t *raw);
void dequantize_all(const {kind}_t *raw, int32_t count, float *real);
void run_both(const {kind}_t *input, {kind}_t *one, {kind}_t *other);
void quantize_all(const float *real, int32_t count, {kind}_t *raw)
{{ for (int32_t i = 0; i < count; ++i) {{ raw[i] = m_quantize(real[i]); }} }}
void dequantize_all(const {kind}_t *raw, int32_t count, float *real)
{{ for (int32_t i = 0; i < count; ++i) {{ real[i] = m_dequantize(raw[i]); }} }}
void run_both(const {kind}_t *input, {kind}_t *one, {kind}_t *other)
{{ uint32_t arena[M_ARENA_BYTES / 4 + 1]; m_run(input, one, arena); m_run_static(input, other); }}
"""


@pytest.fixture(params=["int8", "uint8"])
def library(request, tmp_path):
    kind, zero = request.param, {"int8": -3, "uint8": 125}[request.param]
    file = File()
    tensors = [file.tensor((1, 5), kind, 0.25, zero), file.tensor((1, 5), "int8", 0.25, -3)]
    if kind == "uint8":
        file.operator("QUANTIZE", tensors[:1], tensors[1:])
    else:
        tensors = tensors[:1]
    matrix = file.tensor((5, 5), "int8", 0.01, 0, np.arange(25).reshape(5, 5))
    middle = file.tensor((1, 5), "int8", 0.5, 7)
    file.operator("FULLY_CONNECTED", [tensors[-1], matrix], [middle], "FullyConnectedOptions")
    output = file.tensor((1, 5), kind, 0.5, 7 if kind == "int8" else 135)
    file.operator("QUANTIZE", [middle], [output])
    sources = generate(file.content(tensors[:1], [output]), "m")
    (tmp_path / "m.int8.c").write_bytes(sources.model)
    (tmp_path / "m.int8.h").write_bytes(sources.companions[".h"])
    (tmp_path / "driver.c").write_text(DRIVER.format(kind=kind))
    command = ["gcc", *WARNINGS, "-O1", "-shared", "-fPIC", "driver.c", "-o", "m.so"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    return ctypes.CDLL(str(tmp_path / "m.so")), np.dtype(kind), zero


def pointers(*arrays):
    return [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]


def test_real_values_become_integers_by_the_scale_and_are_kept_within_the_type(library):
    functions, dtype, zero = library
    real = np.array([0, 0.1, 0.125, -0.125, 0.375, 31, -31, 1e9, -1e9, np.inf, -np.inf, np.nan], np.float32)
    raw = np.zeros(len(real), dtype)
    first, second = pointers(real, raw)
    functions.quantize_all(first, ctypes.c_int32(len(real)), second)
    steps = np.nan_to_num(real.astype(np.float64) / 0.25, nan=0, posinf=1e6, neginf=-1e6)
    half_away = np.trunc(steps + np.copysign(0.5, steps)) + zero
    limits = np.iinfo(dtype)
    np.testing.assert_array_equal(raw, half_away.clip(limits.min, limits.max).astype(dtype))


def test_integers_become_real_values_by_the_scale(library):
    functions, dtype, _ = library
    raw = np.arange(256, dtype=np.uint8).view(dtype)
    real = np.zeros(256, np.float32)
    first, second = pointers(raw, real)
    functions.dequantize_all(first, ctypes.c_int32(256), second)
    zero = 7 if dtype == np.int8 else 135
    np.testing.assert_array_equal(real, np.float32(0.5) * (raw.astype(np.float32) - zero))


def test_an_arena_of_its_own_gives_the_same(library):
    functions, dtype, _ = library
    given = np.array([3, 9, 27, 81, 100], dtype)
    one, other = np.zeros(5, dtype), np.ones(5, dtype)
    functions.run_both(*pointers(given, one, other))
    np.testing.assert_array_equal(one, other)
