/* FULLY_CONNECTED on bytes as they are (AVX2). */
#include "fully_connected_avx2.c"

KERNEL void fully_connected_uint8_avx2(const struct fully_connected_avx2 s, const uint8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *bias_less, const int32_t *multiplier,
    const int32_t *bits, const struct range range, uint8_t *scratch)
{
    sums_of_rows_avx2(
        s, (const int8_t *)input, output, weights, bias, bias_less, multiplier, bits, range, 1, scratch);
}
