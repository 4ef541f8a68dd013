/* FULLY_CONNECTED on bytes as they are, with vector instructions. */
#include "fully_connected_mve.c"

KERNEL void fully_connected_uint8_mve(const struct fully_connected_mve s, const uint8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *channels, const struct range range)
{
    sums_of_rows_mve(s, (const int8_t *)input, output, weights, channels, range, 1);
}
