"""AVX2: x86 processors since 2013. Layers without a kernel of their own are plain C, vectorized."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.ir import Step, Table
from . import PLAIN, Implementation, Variant, x86
from ._layout import INT8, filter_rows, table_values

_LANES, _TOGETHER = 8, 2  # sums of a vector, numbers of 16 bits of a dot product
_MOST_AVERAGED = 2**16  # so that single precision divides exactly enough
_SLACK = 32  # what a load of the last window may read too much


def conv_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 8][height][runs][pairs][8][2]`, and what follows the sums."""
    return _tables(step, x86.conv_rows(step, _TOGETHER))


def depthwise_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 8][taps / 2][8][2]`, and what follows the sums."""
    return _tables(step, filter_rows(step))


def _tables(step: Step, rows: NDArray[np.integer[Any]]) -> tuple[Table, ...]:
    multiplier = x86.products(step).multiplier
    return (
        x86.weights(step, rows, _LANES, _TOGETHER, "int16"),
        x86.after_products(step, table_values(step, "bias"), _LANES, [multiplier]),
    )


def fully_connected_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[outputs / 64][inputs / 4][8][8][4]`, and the biases of both ways."""
    bias = x86.bias_of_bytes(step)
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


def does_average_pool(step: Step) -> bool:
    """Return whether the kernel can do this AVERAGE_POOL_2D."""
    shape = step.shape
    return shape["channels"] % _LANES == 0 and shape["height"] * shape["width"] <= _MOST_AVERAGED


_FULLY_CONNECTED = Implementation(
    fully_connected_tables, x86.does_fully_connected, fully_connected_shape, x86.fours_bytes
)
VARIANT = Variant(
    "avx2",
    "defined(__GNUC__) && defined(__x86_64__)",
    {
        "conv_2d": Implementation(conv_tables, x86.does_products_conv, x86.conv_shape, bordered_bytes),
        "depthwise_conv_2d": Implementation(
            depthwise_tables, x86.does_products_depthwise, x86.products_shape, bordered_bytes
        ),
        "fully_connected": _FULLY_CONNECTED,
        "fully_connected_uint8": _FULLY_CONNECTED,
        "average_pool_2d": Implementation(supports=does_average_pool),
        "add": Implementation(x86.add_tables, x86.does_linear_add),
    },
    PLAIN,
    target="avx2",
    check='__builtin_cpu_supports("avx2")',
)
