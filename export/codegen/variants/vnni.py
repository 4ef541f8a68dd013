"""AVX-512 with VNNI, VBMI and IFMA: x86 processors since 2019 (Ice Lake, Zen 4)."""

import numpy as np
from numpy.typing import NDArray

from ..graph.ir import Step, Table
from . import Implementation, Variant, avx2, x86
from ._products import HIGH

_LANES, _TOGETHER = 16, 4  # sums of a vector, bytes of a dot product
_SLACK = 64  # what a load of the last window may read too much, and the size of a vector
_PRODUCT_BITS = 52  # what a product of IFMA is shifted by


def conv_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 16][height][runs][quads][16][4]`, and what follows the sums."""
    return _tables(step, x86.conv_rows(step, _TOGETHER))


def depthwise_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 16][height][width / 4][16][4]`, and what follows the sums."""
    weights = np.asarray(step.node.input(1).data)[0]
    by_row = x86.filled(weights.transpose(2, 0, 1), 2, _TOGETHER)
    return _tables(step, by_row.reshape(len(by_row), -1))


def fully_connected_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[outputs / 128][inputs / 4][8][16][4]`, and the folded bias."""
    return x86.fully_connected_tables(step, x86.bias_of_bytes(step), _LANES)


def _tables(step: Step, rows: NDArray[np.int8]) -> tuple[Table, ...]:
    products = x86.products(step)
    shifts = _PRODUCT_BITS - HIGH - (0 if products.by_sign else products.bits)
    factors = x86.filled(products.multiplier << shifts, 0, _LANES).reshape(-1, 2)
    halves = [factors[:, odd].copy().view(np.int32) for odd in (0, 1)]
    return x86.weights(step, rows, _LANES, _TOGETHER), x86.after_products(
        step, x86.bias_of_bytes(step), _LANES, halves
    )


def bordered_bytes(step: Step) -> int:
    """Return the size of the input with its border."""
    return x86.whole_bytes((x86.bordered_size(step), _SLACK))


def depthwise_bytes(step: Step) -> int:
    """Return the size of the input with its border, and of a column of it, four taps to a vector."""
    vectors = x86.bordered_height(step) * -(-step.shape["width"] // _TOGETHER)
    return bordered_bytes(step) + _SLACK * (vectors + 1)


_FULLY_CONNECTED = Implementation(
    fully_connected_tables, x86.does_fully_connected, scratch_bytes=x86.fours_bytes
)
VARIANT = Variant(
    "vnni",
    "defined(__GNUC__) && defined(__x86_64__)",
    {
        "conv_2d": Implementation(conv_tables, x86.does_products_conv, x86.conv_shape, bordered_bytes),
        "depthwise_conv_2d": Implementation(
            depthwise_tables, x86.does_products_depthwise, x86.products_shape, depthwise_bytes
        ),
        "fully_connected": _FULLY_CONNECTED,
        "fully_connected_uint8": _FULLY_CONNECTED,
        "add": Implementation(x86.add_tables, x86.does_linear_add),
    },
    avx2.VARIANT,
    target="avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx512ifma",
    check=" && ".join(
        f'__builtin_cpu_supports("{each}")'
        for each in ("avx512vnni", "avx512vbmi", "avx512ifma", "avx512bw", "avx512vl")
    ),
)
