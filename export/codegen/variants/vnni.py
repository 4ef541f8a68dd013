"""AVX-512 with VNNI and VBMI: x86 processors since 2019 (Ice Lake, Zen 4)."""

from ..graph.ir import Step, Table
from . import PLAIN, Implementation, Variant, x86
from ._layout import filter_rows

_LANES, _TOGETHER = 16, 4  # sums of a vector, bytes of a dot product
_SLACK = 64  # what a load of the last window may read too much


def conv_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 16][height][runs][quads][16][4]`, and the folded bias."""
    return x86.tables(step, x86.conv_rows(step, _TOGETHER), x86.unsigned_bias(step), _LANES, _TOGETHER)


def depthwise_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 16][taps / 4][16][4]`, and the folded bias."""
    return x86.tables(step, filter_rows(step), x86.unsigned_bias(step), _LANES, _TOGETHER)


def fully_connected_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[outputs / 128][inputs / 4][8][16][4]`, and the folded bias."""
    return x86.fully_connected_tables(step, x86.unsigned_bias(step), _LANES)


def scratch_bytes(step: Step) -> int:
    """Return the size of the input with its border."""
    return x86.whole_bytes((x86.bordered_size(step), _SLACK))


_FULLY_CONNECTED = Implementation(
    fully_connected_tables, x86.does_fully_connected, scratch_bytes=x86.fours_bytes
)
VARIANT = Variant(
    "vnni",
    "defined(__GNUC__) && defined(__x86_64__)",
    {
        "conv_2d": Implementation(conv_tables, x86.does_conv, scratch_bytes=scratch_bytes),
        "depthwise_conv_2d": Implementation(
            depthwise_tables, x86.does_depthwise, scratch_bytes=scratch_bytes
        ),
        "fully_connected": _FULLY_CONNECTED,
        "fully_connected_uint8": _FULLY_CONNECTED,
        "add": Implementation(supports=x86.does_add),
    },
    PLAIN,
    target="avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi",
    check='__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi")'
    ' && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")',
)
