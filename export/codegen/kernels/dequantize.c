/* DEQUANTIZE to float32. */
#include "portable.c"

struct dequantize {
    int32_t size;
    int32_t flip; /* 128 where the input is uint8, which is an int8 with another first bit */
};

KERNEL void dequantize(const struct dequantize s, const uint8_t *input, float *output, float step, int32_t zero)
{
    for (int32_t i = 0; i < s.size; ++i) {
        output[i] = step * (float)((input[i] ^ (s.flip ^ 128)) - 128 - zero);
    }
}
