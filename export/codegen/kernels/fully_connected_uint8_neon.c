/* FULLY_CONNECTED on bytes as they are (NEON). */
#include "fully_connected_neon.c"

KERNEL void fully_connected_uint8_neon(const struct fully_connected s, const uint8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *exponent,
    const struct range range)
{
    sums_of_rows_neon(s, (const int8_t *)input, output, weights, bias, multiplier, exponent, range, 1);
}
