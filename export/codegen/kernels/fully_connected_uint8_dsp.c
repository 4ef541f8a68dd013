/* FULLY_CONNECTED on bytes as they are, with DSP instructions. */
#include "fully_connected_dsp.c"

KERNEL void fully_connected_uint8_dsp(const struct fully_connected_dsp s, const uint8_t *input, int8_t *output,
    const int32_t *weights, const int32_t *channels, const struct range range)
{
    sums_of_rows_dsp(s, (const int8_t *)input, output, weights, channels, range, 1);
}
