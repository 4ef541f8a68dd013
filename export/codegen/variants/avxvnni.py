"""AVX-VNNI: x86 processors without AVX-512 since 2021 (Alder Lake), whose other kernels are those of AVX2."""

from ..graph.ir import Step, Table
from . import Implementation, Variant, avx2, x86

_LANES, _TOGETHER = 8, 4  # sums of a vector, bytes of a dot product
_SLACK = 32  # what a load of the last window may read too much


def conv_tables(step: Step) -> tuple[Table, ...]:
    """Return the weights as `[channels / 8][height][runs][quads][8][4]`, and what follows the sums."""
    return (
        x86.weights(step, x86.conv_rows(step, _TOGETHER), _LANES, _TOGETHER),
        x86.after_products(step, x86.bias_of_bytes(step), _LANES, [x86.products(step).multiplier]),
    )


def bordered_bytes(step: Step) -> int:
    """Return the size of the input with its border."""
    return x86.whole_bytes((x86.bordered_size(step), _SLACK))


VARIANT = Variant(
    "avxvnni",
    "defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11 && defined(__x86_64__)",
    {"conv_2d": Implementation(conv_tables, x86.does_products_conv, x86.conv_shape, bordered_bytes)},
    avx2.VARIANT,
    target="avx2,avxvnni",
    check='__builtin_cpu_supports("avxvnni") && __builtin_cpu_supports("avx2")',
)
