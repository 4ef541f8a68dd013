/* FULLY_CONNECTED on bytes as they are (WebAssembly). */
#include "fully_connected_wasm.c"

KERNEL void fully_connected_uint8_wasm(const struct fully_connected s, const uint8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *power, const int32_t *zero,
    const struct range range, uint8_t *scratch)
{
    sums_of_rows_wasm(
        s, (const int8_t *)input, output, weights, bias, multiplier, power, zero, range, 1, scratch);
}
