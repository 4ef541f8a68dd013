"""DSP: Cortex-M4, M7, M33 and later; products of 16 bits in pairs, with what `kernels/dsp.c` describes."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..fixed_point import Rounding
from ..ir import Step, Struct, Table
from ..sums import bias_of
from . import PLAIN, Implementation, Variant

_INT8 = (-128, 127)
_TOGETHER = 4
_LARGEST_SUM = 2**30  # twice the sum fits 32 bits
_LARGEST_BESIDE = 2**23  # 256 times the sum does
_MOST_COPIED = 1024  # bytes of a window on the stack


def _rows(step: Step) -> NDArray[np.int64]:
    """Return the weights as `(output channels, taps)`."""
    weights = np.asarray(step.node.constant(1), np.int64)
    if step.kernel == "depthwise_conv_2d":
        return weights.reshape(-1, weights.shape[-1]).T
    return weights.reshape(len(weights), -1)


def _reach(step: Step) -> int:
    """Return a bound of all absolute sums, without the bias, taps outside left out."""
    rows, offset = _rows(step), step.values.get("offset", 0)
    assert isinstance(offset, int)
    ends = np.asarray(_INT8)[:, None, None] + offset
    products = rows * ends
    above = products.max(axis=0, initial=0).sum(axis=1)
    below = products.min(axis=0, initial=0).sum(axis=1)
    return int(max(above.max(initial=0), -below.min(initial=0)))


def _bias(step: Step) -> NDArray[np.int64]:
    return next(np.asarray(table.values, np.int64) for table in step.tables if table.name == "bias")


def _exponents(step: Step) -> NDArray[np.int64]:
    return next(np.asarray(table.values, np.int64) for table in step.tables if table.name == "exponent")


def _rounds(step: Step) -> bool:
    """Return whether the upper word of a product and one shift are enough."""
    most = _reach(step) + int(np.abs(_bias(step)).max(initial=0))
    if step.shape["rounding"] == Rounding.TWICE:
        return most < _LARGEST_SUM
    return step.shape["rounding"] == Rounding.ONCE and int(_exponents(step).max(initial=-2)) <= -2  # noqa: PLR2004


def _apart(step: Step) -> bool:
    return _reach(step) >= _LARGEST_BESIDE or int(_rows(step).min(initial=0)) <= _INT8[0]


def _full(step: Step) -> int:
    limits = step.values["range"]
    assert isinstance(limits, Struct)
    return int(limits.fields[1:] == _INT8)


def _channels(step: Step, count: int) -> Table:
    """Return bias, multiplier and shift of each channel, filled up."""
    multiplier = next(
        np.asarray(table.values, np.int64) for table in step.tables if table.name == "multiplier"
    )
    shift = -_exponents(step) - (1 if step.shape["rounding"] == Rounding.TWICE else 2)
    records = np.zeros((count, 3), np.int32)
    records[: len(shift)] = np.stack([_bias(step), multiplier, shift], axis=1)
    return Table("channels", records.ravel(), "bias, multiplier and shift of each channel")


def _words(rows: NDArray[np.int64], apart: bool) -> NDArray[np.int32]:
    """Return weights `(channels, taps)`, both multiples of 4, as `[channels / 4][taps / 4][4]` words."""
    channels, taps = rows.shape
    # channels in pairs, taps in fours of two even and two odd ones
    first, second = rows.reshape(channels // 2, 2, taps // 4, 2, 2).transpose(1, 0, 2, 4, 3)
    halves = first * 256 + (second & 0xFF if apart else second)
    words = (halves[..., 0] & 0xFFFF) | (halves[..., 1] & 0xFFFF) << 16
    grouped = words.reshape(channels // _TOGETHER, 2, taps // 4, 2).transpose(0, 2, 1, 3)
    return grouped.astype(np.uint32).view(np.int32).ravel()


def _filled(size: int) -> int:
    return -(-size // _TOGETHER) * _TOGETHER


def _fully_connected_tables(step: Step) -> tuple[Table, ...]:
    rows = _rows(step)
    channels, inputs = rows.shape
    filled = np.zeros((_filled(channels), _filled(inputs)), np.int64)
    whole = inputs // _TOGETHER * _TOGETHER
    filled[:channels, :whole] = rows[:, :whole]
    if whole < inputs:  # the last four overlap the four before
        filled[:channels, whole - inputs :] = rows[:, whole:]
    comment = f"{step.node.input(1).name}, in pairs of channels"
    return Table("weights", _words(filled, _apart(step)), comment), _channels(step, len(filled))


def _conv_2d_tables(step: Step) -> tuple[Table, ...]:
    rows = _rows(step)
    filled = np.zeros((_filled(rows.shape[0]), _filled(rows.shape[1])), np.int64)
    filled[: rows.shape[0], : rows.shape[1]] = rows
    comment = f"{step.node.input(1).name}, in pairs of channels"
    return Table("weights", _words(filled, _apart(step)), comment), _channels(step, len(filled))


def _depthwise_tables(step: Step) -> tuple[Table, ...]:
    return step.tables[0], _channels(step, step.shape["output_channels"])


def _shape(step: Step) -> Mapping[str, int]:
    return {**step.shape, "full": _full(step), "apart": int(_apart(step))}


def _does_fully_connected(step: Step) -> bool:
    return step.shape["inputs"] >= _TOGETHER and _rounds(step)


def _does_conv_2d(step: Step) -> bool:
    depth = step.shape["depth"]
    copied = step.shape["height"] * step.shape["width"] * depth if depth % _TOGETHER else 0
    return step.shape["groups"] == 1 and copied <= _MOST_COPIED and _rounds(step)


def _does_depthwise(step: Step) -> bool:
    channels = step.shape["input_channels"]
    return step.shape["output_channels"] == channels and channels % _TOGETHER == 0 and _rounds(step)


VARIANT = Variant(
    "dsp",
    "defined(__ARM_FEATURE_DSP) && defined(__GNUC__) && !defined(__ARM_BIG_ENDIAN)",
    {
        "conv_2d": Implementation(_conv_2d_tables, _does_conv_2d, _shape),
        "depthwise_conv_2d": Implementation(_depthwise_tables, _does_depthwise, _shape),
        "fully_connected": Implementation(_fully_connected_tables, _does_fully_connected, _shape),
    },
    PLAIN,
)
