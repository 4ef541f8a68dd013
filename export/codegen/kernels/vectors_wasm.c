/*
 * WebAssembly: four sums at once where there are vectors (SIMD128), else the same one by one.
 *
 * The tables are the same for both, so that a page holds them once. Sums must stay below 2^30 and exponents below 0,
 * which the generator checks.
 */
#include "requantize.c"

typedef int32_t sums_wasm __attribute__((vector_size(16)));
typedef int16_t words_wasm __attribute__((vector_size(16)));
typedef int16_t four_wasm __attribute__((vector_size(8), aligned(1), may_alias));
typedef int8_t bytes_wasm __attribute__((vector_size(8), aligned(1), may_alias));
typedef int32_t pair_wasm __attribute__((aligned(1), may_alias));
typedef sums_wasm entries_wasm __attribute__((aligned(1), may_alias));

enum { LANES_WASM = 4 };

/* How many vectors of sums there are registers for. */
#ifdef __wasm_simd128__
enum { TOGETHER_WASM = 8 };
#else
enum { TOGETHER_WASM = 1 };
#endif

KERNEL sums_wasm load_wasm(const int32_t *from)
{
    return *(const entries_wasm *)from;
}

KERNEL sums_wasm all_wasm(int32_t value)
{
    return (sums_wasm){ value, value, value, value };
}

/* Two bytes for each of four sums, as 16 bits. */
KERNEL words_wasm weights_wasm(const int8_t *from)
{
    return __builtin_convertvector(*(const bytes_wasm *)from, words_wasm);
}

/* The same two numbers of 16 bits for each of four sums. */
KERNEL words_wasm pairs_wasm(const int16_t *from)
{
    return (words_wasm)all_wasm(*(const pair_wasm *)from);
}

/* Adds the products of two pairs to each sum. */
KERNEL sums_wasm add_products_wasm(sums_wasm sums, words_wasm a, words_wasm b)
{
#ifdef __wasm_simd128__
    return sums + (sums_wasm)__builtin_wasm_dot_s_i32x4_i16x8(a, b);
#else
    for (int32_t i = 0; i < LANES_WASM; ++i) {
        sums[i] += a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    }
    return sums;
#endif
}

/* (a * b + nudge) / 2^31, rounded down. */
KERNEL sums_wasm high_products_wasm(sums_wasm a, sums_wasm b, int64_t nudge)
{
#ifdef __wasm_simd128__
    typedef int32_t half __attribute__((vector_size(8)));
    typedef int64_t wide __attribute__((vector_size(16)));
    const half first = __builtin_shufflevector(a, a, 0, 1), second = __builtin_shufflevector(a, a, 2, 3);
    const half first_by = __builtin_shufflevector(b, b, 0, 1), second_by = __builtin_shufflevector(b, b, 2, 3);
    const wide low = __builtin_convertvector(first, wide) * __builtin_convertvector(first_by, wide) + nudge;
    const wide high = __builtin_convertvector(second, wide) * __builtin_convertvector(second_by, wide) + nudge;

    return __builtin_shufflevector((sums_wasm)(low >> 31), (sums_wasm)(high >> 31), 0, 2, 4, 6);
#else
    for (int32_t i = 0; i < LANES_WASM; ++i) {
        a[i] = (int32_t)(((int64_t)a[i] * b[i] + nudge) >> 31);
    }
    return a;
#endif
}

/* scale() of four sums; `power` is 2^(31 + exponent), a shift to the right by -exponent bits that products can do. */
KERNEL sums_wasm scale_wasm(sums_wasm sums, sums_wasm multiplier, sums_wasm power, int32_t rounding)
{
    const int64_t half = (int64_t)1 << 30;

    if (rounding == ROUND_TWICE || rounding == ROUND_TWICE_ANY) {
        const sums_wasm product = high_products_wasm(sums, multiplier, half);

        return high_products_wasm(product + (product >> 31), power, half);
    }
    return high_products_wasm(high_products_wasm(sums, multiplier, -(rounding == ROUND_ONCE_BELOW)), power, half);
}

/* Writes the elements of an output for four scaled sums, or for the first `count` of them. */
KERNEL void write_wasm(int8_t *output, int32_t count, sums_wasm scaled, const struct range range)
{
    typedef int8_t narrow __attribute__((vector_size(4), aligned(1), may_alias));
    const sums_wasm low = all_wasm(range.low - range.zero), high = all_wasm(range.high - range.zero);
    const sums_wasm cut = __builtin_elementwise_max(low, __builtin_elementwise_min(high, scaled));
    const sums_wasm values = cut + range.zero;

    if (count >= LANES_WASM) {
        *(narrow *)output = __builtin_convertvector(values, narrow);
        return;
    }
    for (int32_t i = 0; i < count; ++i) {
        output[i] = (int8_t)values[i];
    }
}
