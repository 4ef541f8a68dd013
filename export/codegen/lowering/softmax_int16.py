"""SOFTMAX of 16-bit elements.

The kernel (`SoftmaxInt16` in tensorflow/lite/kernels/internal/reference/softmax.h) looks up exp(x) from -10
to 0 and 1 / (1 + x) from 0 to 1 in tables of 513 values, between which lies a line.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import Match, quantize_multiplier
from ..graph.ir import Node, Step, Table
from ..graph.rows import Rows

_MOST_CLASSES = 65535  # whose exponentials' sum fits 32 bits
_SCALE, _TOLERANCE = 1 / 32768, 0.001
_STEPS, _RANGE = 512, 65535
_LEAST, _LARGEST = -32768, 32767
_REACH = 10.0  # exp(-10) is taken for 0
_HALF = 0.5

Reals = NDArray[np.floating[Any]]


def softmax_int16(node: Node, match: Match) -> Step:
    """Return the call of the kernel `softmax_int16`.

    Raises:
        ConversionError: Too many classes, or an output of another scale.
    """
    source, output = node.input(0), node.outputs[0]
    classes = source.shape[-1] if source.shape else 0
    if not 1 <= classes <= _MOST_CLASSES:
        raise node.error("its number of classes", received=classes, expected=f"1 to {_MOST_CLASSES}")
    if abs(output.scale / _SCALE - 1) > _TOLERANCE:
        raise node.error(
            "its output has not the scale of a SOFTMAX", received=output.scale, expected="1/32768"
        )
    beta = float(np.float32(node.options["beta"]))
    scale = float(source.scale * np.float32(beta)) if match is Match.LITERT else float(source.scale) * beta
    multiplier = quantize_multiplier(scale / (_REACH / _RANGE))
    real = np.float64 if match is Match.LITERT else np.float32
    tables = (
        Table("exponentials", _table(_exp, _REACH, _LARGEST, real), "exp(x), x from -10 to 0"),
        Table("reciprocals", _table(lambda x: 1 / (1 + x), 1.0, _LEAST, real), "1 / (1 + x), x from 0 to 1"),
    )
    shape = {"rows": source.size // classes, "classes": classes}
    values = {"multiplier": multiplier.value, "exponent": multiplier.exponent}
    overlap = Rows.in_step(source.size, source.item_bytes, output.item_bytes)
    return Step(node, "softmax_int16", shape, (source,), (output,), tables, values, (overlap,))


def _table(
    function: Callable[[Reals], Reals], reach: float, zero: int, real: type[np.floating[Any]]
) -> NDArray[np.int16]:
    """Return a function of an interval as `LUTPopulateInt16` does, in the precision of `real`.

    Each value is moved by half of the error that the line to the next has in the middle.
    """
    input_scale, output_scale = real(reach) / real(_RANGE), real(2.0) / real(_RANGE)
    least, largest = input_scale * real(_LEAST - zero), input_scale * real(_LARGEST - zero)
    step = (largest - least) / real(_STEPS)
    scaling = real(_RANGE + 1) / (output_scale * real(_LARGEST) - output_scale * real(_LEAST))
    starts = least + np.arange(_STEPS + 1).astype(real) * step
    values = function(starts) * scaling
    middles = _rounded(function(starts[:-1] + step / real(2)) * scaling)
    lines = _rounded((values[1:] + _rounded(values[:-1])) / real(2))
    moved = _rounded(values[:-1]) - _rounded((lines - middles) / real(2))
    last = _rounded(function(np.asarray([largest])) * scaling)
    return np.concatenate([moved, last]).clip(_LEAST, _LARGEST).astype(np.int16)


def _exp(values: Reals) -> Reals:
    exact: Reals = np.asarray([math.exp(value) for value in values.tolist()]).astype(values.dtype)
    return exact


def _rounded(values: Reals) -> Reals:
    """Return C's `round`, halves away from zero."""
    whole = np.floor(np.abs(values))
    rounded: Reals = np.sign(values) * (whole + (np.abs(values) - whole >= _HALF))
    return rounded
