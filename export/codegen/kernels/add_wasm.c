/* ADD and SUB of two tensors of the same shape, four elements at once (WebAssembly); the rest as in plain C. */
#include "add.c"
#include "vectors_wasm.c"

/* value / 2^bits, rounded half away from zero. */
KERNEL sums_wasm rounded_shift_wasm(sums_wasm value, int32_t bits)
{
    const int32_t half = (int32_t)((1u << bits) >> 1);

    return bits > 0 ? (value + (value >> 31) + half) >> bits : value;
}

KERNEL sums_wasm addends_wasm(const int8_t *values, const struct addend by)
{
    typedef int8_t narrow __attribute__((vector_size(4), aligned(1), may_alias));
    const sums_wasm wide = __builtin_convertvector(*(const narrow *)values, sums_wasm);
    const sums_wasm shifted = (wide + by.offset) << 20;

    return rounded_shift_wasm(
        high_products_wasm(shifted, all_wasm(by.multiplier), (int64_t)1 << 30), -by.exponent);
}

KERNEL void add_wasm(const struct add s, const int8_t *left, const int8_t *right, int8_t *output,
    const struct addend first, const struct addend second, int32_t multiplier, int32_t exponent,
    const struct range range)
{
    int32_t i = 0;

    for (; i + LANES_WASM <= s.size3; i += LANES_WASM) {
        const sums_wasm a = addends_wasm(left + i, first), b = addends_wasm(right + i, second);
        const sums_wasm sums = s.sign > 0 ? a + b : a - b;
        const sums_wasm product = high_products_wasm(sums, all_wasm(multiplier), (int64_t)1 << 30);

        write_wasm(output + i, LANES_WASM, rounded_shift_wasm(product, -exponent), range);
    }
    for (; i < s.size3; ++i) {
        const int32_t sum = add_scaled(left[i], first) + s.sign * add_scaled(right[i], second);

        output[i] = requantize(sum, multiplier, exponent, s.output_rounding, range);
    }
}
