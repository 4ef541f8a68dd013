/* FULLY_CONNECTED on bytes as they are (AVX-512 VNNI). */
#include "fully_connected_vnni.c"

KERNEL void fully_connected_uint8_vnni(const struct fully_connected s, const uint8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits,
    const struct range range, uint8_t *scratch)
{
    sums_of_rows_vnni(s, (const int8_t *)input, output, weights, bias, multiplier, bits, range, 1, scratch);
}
