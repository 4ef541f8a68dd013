/* Operators with an 8-bit input and a 16-bit output: a table of what they give for each byte. */
#include "portable.c"

struct lookup_int16 {
    int32_t size;
};

KERNEL void lookup_int16(const struct lookup_int16 s, const uint8_t *input, int16_t *output, const int16_t *results)
{
    for (int32_t i = 0; i < s.size; ++i) {
        output[i] = results[input[i]];
    }
}
