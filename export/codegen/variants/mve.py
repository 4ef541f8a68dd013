"""MVE ("Helium"), of Cortex-M55 and later: 16 products of bytes at a time, as `kernels/mve.c` describes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import Rounding
from ..graph.ir import Step, Table
from . import Implementation, Variant, dsp
from ._layout import filled_size, filled_up, filter_rows, offset_of, table_of_weights, table_values

_LANES = 16
_TOGETHER = 4
_EIGHT = (0, 2, 4, 6, 1, 3, 5, 7)
_VECTOR_INSTRUCTIONS = 9  # for each vector of the input and four channels
_COPY_INSTRUCTIONS = 18
_MOST_COPIED = 2304  # bytes of a window on the stack


def _channels(step: Step, bias: NDArray[np.int64], order: Sequence[int]) -> Table:
    """Return bias, multiplier and shift, of four channels each at a time."""
    shift = table_values(step, "exponent") + (step.shape["rounding"] == Rounding.ONCE)
    records = np.zeros((3, filled_size(len(bias), _TOGETHER)), np.int32)
    records[:, : len(bias)] = np.stack([bias, table_values(step, "multiplier"), shift])
    places = np.arange(records.shape[1]).reshape(-1, len(order))[:, list(order)].ravel()
    fours = records[:, places].reshape(3, -1, _TOGETHER).transpose(1, 0, 2)
    return Table("channels", fours.ravel(), "bias, multiplier and shift, of four channels each")


def _folded(step: Step) -> NDArray[np.int64]:
    """Return the bias with what is added to the input: its zero point, and 128 where it has no sign."""
    offset = offset_of(step) + 128 * (step.inputs[0].dtype == "uint8")
    folded: NDArray[np.int64] = table_values(step, "bias") + offset * filter_rows(step).sum(axis=1)
    return folded


def _vectors(runs: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return weights `(channels, runs of taps, taps)` as `[channels / 4][runs][vectors][4][16]`."""
    channels, count, taps = runs.shape
    filled = filled_up(runs.reshape(channels * count, taps), 1, _LANES).reshape(channels, -1)
    rows = filled_up(filled, _TOGETHER, 1)
    vectors = rows.reshape(len(rows) // _TOGETHER, _TOGETHER, -1, _LANES).transpose(0, 2, 1, 3)
    return vectors.ravel().astype(np.int8)


def _conv_2d_tables(step: Step) -> tuple[Table, ...]:
    rows = filter_rows(step)
    vectors = _vectors(rows.reshape(len(rows), 1 if _is_gapless(step) else step.shape["height"], -1))
    return table_of_weights(step, vectors, "in vectors"), _channels(step, _folded(step), range(_TOGETHER))


def _fully_connected_tables(step: Step) -> tuple[Table, ...]:
    vectors = _vectors(filter_rows(step)[:, None, :])
    return table_of_weights(step, vectors, "in vectors"), _channels(step, _folded(step), range(_TOGETHER))


def _depthwise_tables(step: Step) -> tuple[Table, ...]:
    return step.tables[0], _channels(step, table_values(step, "bias"), _EIGHT)


def _conv_2d_shape(step: Step) -> Mapping[str, int]:
    return {**step.shape, "padded": int(_is_padded(step)), "gapless": int(_is_gapless(step))}


def _copied_bytes(step: Step) -> tuple[int, int]:
    """Return the size of a window in whole vectors, as it lies and without gaps."""
    height, run = step.shape["height"], step.shape["width"] * step.shape["depth"]
    return height * filled_size(run, _LANES), filled_size(height * run, _LANES)


def _is_gapless(step: Step) -> bool:
    """Return whether copying a window takes less time than multiplying what fills up its rows."""
    apart, gapless = (size // _LANES for size in _copied_bytes(step))
    saved = (apart - gapless) * _VECTOR_INSTRUCTIONS * (step.shape["output_channels"] // _TOGETHER)
    return saved > apart * _COPY_INSTRUCTIONS


def _is_padded(step: Step) -> bool:
    """Return whether taps of a window lie outside the input."""
    s = step.shape
    below = (s["output_height"] - 1) * s["stride_y"] - s["pad_y"] + (s["height"] - 1) * s["dilation_y"]
    right = (s["output_width"] - 1) * s["stride_x"] - s["pad_x"] + (s["width"] - 1) * s["dilation_x"]
    return s["pad_y"] > 0 or s["pad_x"] > 0 or below >= s["input_height"] or right >= s["input_width"]


def _rounds(step: Step) -> bool:
    return step.shape["rounding"] in (Rounding.TWICE, Rounding.ONCE)


def _does_conv_2d(step: Step) -> bool:
    copied = _copied_bytes(step)[0]
    together = step.shape["groups"] == 1 and (step.shape["dilation_x"] == 1 or step.shape["width"] == 1)
    return together and (copied <= _MOST_COPIED or not _is_padded(step)) and _rounds(step)


def _does_depthwise(step: Step) -> bool:
    channels = step.shape["input_channels"]
    return step.shape["output_channels"] == channels and channels % len(_EIGHT) == 0 and _rounds(step)


def _does_add(step: Step) -> bool:
    """Return whether both inputs lie as the output does."""
    s = step.shape
    single = s["size0"] == s["size1"] == s["size2"] == 1
    return single and (s["size3"] == 1 or s["left3"] == s["right3"] == 1)


_FULLY_CONNECTED = Implementation(_fully_connected_tables, _rounds)
VARIANT = Variant(
    "mve",
    "defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && !defined(__ARM_BIG_ENDIAN)",
    {
        "add": Implementation(supports=_does_add),
        "conv_2d": Implementation(_conv_2d_tables, _does_conv_2d, _conv_2d_shape),
        "depthwise_conv_2d": Implementation(_depthwise_tables, _does_depthwise),
        "fully_connected": _FULLY_CONNECTED,
        "fully_connected_uint8": _FULLY_CONNECTED,
    },
    dsp.VARIANT,
)
