"""AVX2: x86 processors since 2013. Layers without a kernel of their own are plain C, vectorized."""

from . import PLAIN, Variant

VARIANT = Variant(
    "avx2",
    "defined(__GNUC__) && defined(__x86_64__)",
    {},
    PLAIN,
    target="avx2",
    check='__builtin_cpu_supports("avx2")',
)
