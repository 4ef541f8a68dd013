"""AVX2: x86 processors since 2013. Layers without a kernel of their own are plain C, vectorized."""

import numpy as np

from ..graph.ir import Step, Table
from . import PLAIN, Implementation, Variant, x86
from ._layout import INT8, filter_rows

_LANES, _TOGETHER = 8, 2  # sums of a vector, numbers of 16 bits of a dot product
_SLACK = 32  # what a load of the last window may read too much


def conv_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 8][height][runs][pairs][8][2]` of 16 bits."""
    bias = step.tables[1].values.astype(np.int64)
    return x86.tables(step, x86.conv_rows(step, _TOGETHER), bias, _LANES, _TOGETHER, "int16")


def depthwise_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 8][taps / 2][8][2]` of 16 bits."""
    bias = step.tables[1].values.astype(np.int64)
    return x86.tables(step, filter_rows(step), bias, _LANES, _TOGETHER, "int16")


def fully_connected_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[outputs / 64][inputs / 4][8][8][4]`, and the biases of both ways."""
    bias = x86.unsigned_bias(step)
    weights, first, *others = x86.fully_connected_tables(step, bias, _LANES)
    less = bias + x86.MORE * filter_rows(step).sum(axis=1)
    return (weights, first, Table("bias_less", x86.filled(less.astype(np.int32), 0, _LANES)), *others)


def fully_connected_shape(step: Step) -> dict[str, int]:
    """Return the shape, and for how many fours of inputs the kernel passes over those that are 0."""
    fours = -(-step.shape["inputs"] // x86.FOUR)
    is_narrow = int(filter_rows(step).min(initial=0)) > INT8[0]
    return {**step.shape, "most_fours": fours * 3 // 4 if is_narrow else fours}


def bordered_bytes(step: Step) -> int:
    """Return the size of the input with its border, in 16 bits."""
    return x86.whole_bytes((2 * x86.bordered_size(step), _SLACK))


_FULLY_CONNECTED = Implementation(
    fully_connected_tables, x86.does_fully_connected, fully_connected_shape, x86.fours_bytes
)
VARIANT = Variant(
    "avx2",
    "defined(__GNUC__) && defined(__x86_64__)",
    {
        "conv_2d": Implementation(conv_tables, x86.does_conv, scratch_bytes=bordered_bytes),
        "depthwise_conv_2d": Implementation(
            depthwise_tables, x86.does_depthwise, scratch_bytes=bordered_bytes
        ),
        "fully_connected": _FULLY_CONNECTED,
        "fully_connected_uint8": _FULLY_CONNECTED,
        "add": Implementation(supports=x86.does_add),
    },
    PLAIN,
    target="avx2",
    check='__builtin_cpu_supports("avx2")',
)
