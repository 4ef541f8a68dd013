"""WebAssembly: products of 16 bits in pairs, with vectors (SIMD128) or without, on the same tables.

Its C goes into no artifact: `export.web` compiles it.
"""

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import Rounding
from ..graph.ir import Step, Struct, Table
from . import PLAIN, Implementation, Variant, x86
from ._layout import filter_rows

_LANES, _TOGETHER = 4, 2  # sums of a vector, numbers of 16 bits of a dot product
_BLOCK = 8  # vectors of a block of FULLY_CONNECTED
_SLACK = 32  # what a load of the last window may read too much


def conv_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 4][height][runs][pairs][4][2]`."""
    return _tables(step, _blocks(x86.conv_rows(step, _TOGETHER)).ravel())


def depthwise_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 4][taps / 2][4][2]`."""
    return _tables(step, _blocks(filter_rows(step).astype(np.int8)).ravel())


def fully_connected_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[outputs / 32][inputs / 2][8][4][2]`, and the input's zero point."""
    rows = filter_rows(step).astype(np.int8)
    zero_point = step.inputs[0].zero_point
    # the lowering has folded the zero point, which this kernel takes from its inputs
    bias = step.tables[1].values + zero_point * rows.astype(np.int64).sum(axis=1)
    vectors = _blocks(rows)
    blocks = [
        vectors[first : first + _BLOCK].transpose(1, 0, 2, 3).ravel()
        for first in range(0, len(vectors), _BLOCK)
    ]
    zero = Table("zero", np.array([zero_point], np.int32))
    return (*_tables(step, np.concatenate(blocks), bias), zero)


def bordered_bytes(step: Step) -> int:
    """Return the size of the input with its border, in 16 bits."""
    return x86.whole_bytes((2 * x86.bordered_size(step), _SLACK))


def pair_bytes(step: Step) -> int:
    """Return the size of the pairs of inputs and of their places."""
    return 2 * 4 * ((step.shape["inputs"] + 1) // 2)


def _blocks(rows: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return `(channels, taps)` weights as `[channels / 4][taps / 2][4][2]`, filled up with zeros."""
    whole = x86.filled(x86.filled(rows, 1, _TOGETHER), 0, _LANES).astype(np.int8)
    return whole.reshape(-1, _LANES, whole.shape[1] // _TOGETHER, _TOGETHER).transpose(0, 2, 1, 3)


def _tables(
    step: Step, weights: NDArray[np.int8], bias: NDArray[np.int64] | None = None
) -> tuple[Table, ...]:
    _, own_bias, multiplier, exponent = step.tables
    power = 1 << (31 + exponent.values.astype(np.int64))
    columns = {
        "bias": own_bias.values if bias is None else bias,
        "multiplier": multiplier.values,
        "power": power,
    }
    return (
        Table("weights", weights, step.tables[0].comment),
        *(Table(name, x86.filled(values.astype(np.int32), 0, _LANES)) for name, values in columns.items()),
    )


def _below_half(step: Step) -> bool:
    """Return whether all exponents are below 0, so that 2^(31 + exponent) has 32 bits."""
    return bool((step.tables[3].values < 0).all() and (step.tables[3].values >= -31).all())  # noqa: PLR2004


def _does_conv(step: Step) -> bool:
    return x86.does_conv(step) and _below_half(step)


def _does_depthwise(step: Step) -> bool:
    return x86.does_depthwise(step) and _below_half(step)


def _does_fully_connected(step: Step) -> bool:
    return x86.does_fully_connected(step) and _below_half(step)


def _does_add(step: Step) -> bool:
    exponent = step.values["exponent"]
    structs = [value for value in step.values.values() if isinstance(value, Struct)]
    shifts = [-struct.fields[2] for struct in structs if struct.name == "addend"]
    small = isinstance(exponent, int) and all(0 <= shift < 31 for shift in (*shifts, -exponent))  # noqa: PLR2004
    return x86.does_add(step) and small and step.shape["output_rounding"] == Rounding.TWICE


_FULLY_CONNECTED = Implementation(fully_connected_tables, _does_fully_connected, scratch_bytes=pair_bytes)
VARIANT = Variant(
    "wasm",
    "defined(__wasm__)",
    {
        "conv_2d": Implementation(conv_tables, _does_conv, scratch_bytes=bordered_bytes),
        "depthwise_conv_2d": Implementation(depthwise_tables, _does_depthwise, scratch_bytes=bordered_bytes),
        "fully_connected": _FULLY_CONNECTED,
        "fully_connected_uint8": _FULLY_CONNECTED,
        "add": Implementation(supports=_does_add),
    },
    PLAIN,
)
