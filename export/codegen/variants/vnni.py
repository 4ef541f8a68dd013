"""AVX-512 with VNNI and VBMI: x86 processors since 2019 (Ice Lake, Zen 4)."""

import numpy as np
from numpy.typing import NDArray

from ..graph.ir import Step, Table
from . import PLAIN, Implementation, Variant, x86
from ._layout import filter_rows, offset_of

_LANES, _TOGETHER = 16, 4  # sums of a vector, bytes of a dot product
_MORE = 128  # the first factor of a dot product is unsigned: inputs with a sign go in plus this
_SLACK = 64  # what a load of the last window may read too much


def conv_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 16][height][runs][quads][16][4]`, and the folded bias."""
    return x86.tables(step, x86.conv_rows(step, _TOGETHER), _bias(step), _LANES, _TOGETHER)


def other_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 16][taps / 4][16][4]`, and the folded bias."""
    return x86.tables(step, filter_rows(step), _bias(step), _LANES, _TOGETHER)


def _bias(step: Step) -> NDArray[np.int64]:
    more = 0 if step.inputs[0].dtype == "uint8" else _MORE
    folded: NDArray[np.int64] = step.tables[1].values + (offset_of(step) - more) * filter_rows(step).sum(
        axis=1
    )
    return folded


def scratch_bytes(step: Step) -> int:
    """Return the size of the input with its border."""
    return x86.whole_bytes((x86.bordered_size(step), _SLACK))


VARIANT = Variant(
    "vnni",
    "defined(__GNUC__) && defined(__x86_64__)",
    {
        "conv_2d": Implementation(conv_tables, x86.does_conv, scratch_bytes=scratch_bytes),
        "depthwise_conv_2d": Implementation(other_tables, x86.does_depthwise, scratch_bytes=scratch_bytes),
        "fully_connected": Implementation(other_tables, x86.does_fully_connected),
        "fully_connected_uint8": Implementation(other_tables, x86.does_fully_connected),
        "add": Implementation(supports=x86.does_add),
    },
    PLAIN,
    target="avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi",
    check='__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi")'
    ' && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")',
)
