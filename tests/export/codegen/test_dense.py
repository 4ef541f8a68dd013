"""Dense layers in C: sums that fill every width, inputs with many zeros, what compilers make of plain C."""

import shutil
import subprocess

import numpy as np
import pytest

from edgemnist.export.codegen import generate

from .build import File
from .run import assert_exact

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]


def dense(inputs, outputs, *, is_unsigned=True, least=-127, zero=0):
    """Return a file of a layer of the largest weights; `zero` is the zero point of inputs without a sign."""
    file, generator = File(), np.random.default_rng(inputs)
    data = generator.choice(np.array([least, -127, 0, 64, 127], np.int8), (outputs, inputs))
    data[:2] = [[127], [least]]
    first = source = file.tensor((1, inputs), scale=0.02, zero=zero - 128)
    if is_unsigned:
        first = file.tensor((1, inputs), "uint8", scale=0.02, zero=zero)
        file.operator("QUANTIZE", [first], [source])
    weights = file.tensor((outputs, inputs), scale=0.004, data=data)
    output = file.tensor((1, outputs), scale=float(0.05 * np.sqrt(inputs)), zero=-9)
    file.operator("FULLY_CONNECTED", [source, weights, -1], [output], "FullyConnectedOptions")
    return file.content([first], [output])


def pictures(inputs, zero):
    """Return inputs without a sign: full, empty, and with more and more elements that are no zero."""
    generator = np.random.default_rng(7)
    noise = generator.integers(0, 256, (8, inputs), np.uint8)
    shares = np.linspace(0.02, 1, len(noise))[:, None]
    blank = np.repeat(generator.random((len(noise), inputs // 4 + 1)) > shares, 4, axis=1)[:, :inputs]
    ends = [np.full((1, inputs), value, np.uint8) for value in (0, 127, 128, 255)]
    return np.concatenate([*ends, np.where(blank, np.uint8(zero), noise)])[:, None]


@pytest.mark.parametrize(
    ("inputs", "outputs", "is_unsigned", "least", "zero"),
    [
        (133, 75, True, -127, 0),
        pytest.param(785, 75, True, -127, 0, marks=pytest.mark.slow),
        pytest.param(1101, 130, False, -127, 0, marks=pytest.mark.slow),
        pytest.param(784, 128, True, -128, 0, marks=pytest.mark.slow),
        pytest.param(1027, 66, False, -128, 131, marks=pytest.mark.slow),
    ],
)
def test_the_largest_weights_and_any_share_of_zeros_are_exact(inputs, outputs, is_unsigned, least, zero):
    content = dense(inputs, outputs, is_unsigned=is_unsigned, least=least, zero=zero)
    given = pictures(inputs, zero)
    assert_exact(content, inputs=(given if is_unsigned else (given ^ 0x80).view(np.int8),))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("flags", ["-mavx2", ""])
def test_compilers_see_products_of_16_bits_in_plain_c(compiler, flags, tmp_path):
    sources = generate(dense(64, 8), "model")
    (tmp_path / "model.int8.c").write_bytes(sources.model)
    (tmp_path / "model.int8.h").write_bytes(sources.companions[".h"])
    command = [compiler, "-std=c99", "-O3", *flags.split(), "-S", "model.int8.c", "-o", "-"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "pmaddwd" in done.stdout
    assert "intrin.h" not in sources.model.decode()
