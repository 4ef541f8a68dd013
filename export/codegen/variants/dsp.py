"""DSP, of Cortex-M4, M7, M33 and later: products of 16 bits in pairs, as `kernels/dsp.c` describes."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import Rounding
from ..graph.ir import Step, Table
from . import PLAIN, Implementation, Variant
from ._layout import (
    INT8,
    UINT8,
    filled_up,
    filter_rows,
    is_full,
    offset_of,
    table_of_weights,
    table_values,
)

_TOGETHER = 4
_LARGEST_SUM = 2**30  # twice the sum fits 32 bits
_LARGEST_BESIDE = 2**23  # 256 times the sum does
_MOST_COPIED = 1024  # bytes of a window on the stack


def _reach(step: Step) -> int:
    """Return the largest absolute sum of products that can occur, of all channels."""
    limits = UINT8 if step.inputs[0].dtype == "uint8" else INT8
    products = filter_rows(step) * (np.asarray(limits)[:, None, None] + offset_of(step))
    above = products.max(axis=0, initial=0).sum(axis=1)
    below = products.min(axis=0, initial=0).sum(axis=1)
    return int(max(above.max(initial=0), -below.min(initial=0)))


def _rounds(step: Step) -> bool:
    """Return whether the upper word of a product of twice the sum, and one shift, are enough."""
    most = _reach(step) + int(np.abs(table_values(step, "bias")).max(initial=0))
    return most < _LARGEST_SUM and step.shape["rounding"] in (Rounding.TWICE, Rounding.ONCE)


def _is_apart(step: Step) -> bool:
    return _reach(step) >= _LARGEST_BESIDE or int(filter_rows(step).min(initial=0)) <= INT8[0]


def _channels(step: Step, count: int) -> Table:
    """Return twice the bias, multiplier and shift of each channel, filled up."""
    shift = -table_values(step, "exponent") - 1
    records = np.zeros((count, 3), np.int32)
    columns = [2 * table_values(step, "bias"), table_values(step, "multiplier"), shift]
    records[: len(shift)] = np.stack(columns, axis=1)
    return Table("channels", records.ravel(), "twice the bias, multiplier and shift of each channel")


def _words(step: Step, rows: NDArray[np.int64]) -> Table:
    """Return weights `(channels, taps)`, both multiples of 4, as `[channels / 4][taps / 4][4]` words."""
    channels, taps = rows.shape
    # channels in pairs, taps in fours of two even and two odd ones
    first, second = rows.reshape(channels // 2, 2, taps // 4, 2, 2).transpose(1, 0, 2, 4, 3)
    halves = first * 256 + (second & 0xFF if _is_apart(step) else second)
    words = (halves[..., 0] & 0xFFFF) | (halves[..., 1] & 0xFFFF) << 16
    grouped = words.reshape(channels // _TOGETHER, 2, taps // 4, 2).transpose(0, 2, 1, 3)
    return table_of_weights(step, grouped.astype(np.uint32).view(np.int32).ravel(), "in pairs of channels")


def _fully_connected_tables(step: Step) -> tuple[Table, ...]:
    rows = filter_rows(step)
    inputs = rows.shape[1]
    whole = inputs // _TOGETHER * _TOGETHER
    if whole < inputs:  # the last four overlap those before
        last = np.zeros((len(rows), _TOGETHER), np.int64)
        last[:, whole - inputs :] = rows[:, whole:]
        rows = np.concatenate([rows[:, :whole], last], axis=1)
    filled = filled_up(rows, _TOGETHER, _TOGETHER)
    return _words(step, filled), _channels(step, len(filled))


def _conv_2d_tables(step: Step) -> tuple[Table, ...]:
    filled = filled_up(filter_rows(step), _TOGETHER, _TOGETHER)
    return _words(step, filled), _channels(step, len(filled))


def _depthwise_tables(step: Step) -> tuple[Table, ...]:
    return step.tables[0], _channels(step, step.shape["output_channels"])


def _shape(step: Step) -> Mapping[str, int]:
    return {**step.shape, "full": int(is_full(step)), "apart": int(_is_apart(step))}


def _does_fully_connected(step: Step) -> bool:
    return step.shape["inputs"] >= _TOGETHER and _rounds(step)


def _does_conv_2d(step: Step) -> bool:
    depth = step.shape["depth"]
    copied = step.shape["height"] * step.shape["width"] * depth if depth % _TOGETHER else 0
    return step.shape["groups"] == 1 and copied <= _MOST_COPIED and _rounds(step)


def _does_depthwise(step: Step) -> bool:
    channels = step.shape["input_channels"]
    return step.shape["output_channels"] == channels and channels % _TOGETHER == 0 and _rounds(step)


_FULLY_CONNECTED = Implementation(_fully_connected_tables, _does_fully_connected, _shape)
VARIANT = Variant(
    "dsp",
    "defined(__ARM_FEATURE_DSP) && defined(__GNUC__) && !defined(__ARM_BIG_ENDIAN)",
    {
        "conv_2d": Implementation(_conv_2d_tables, _does_conv_2d, _shape),
        "depthwise_conv_2d": Implementation(_depthwise_tables, _does_depthwise, _shape),
        "fully_connected": _FULLY_CONNECTED,
        "fully_connected_uint8": _FULLY_CONNECTED,
    },
    PLAIN,
)
