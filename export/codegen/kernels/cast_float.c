/* CAST from bytes without a sign to float32. */
#include "portable.c"

struct cast_float {
    int32_t size;
};

KERNEL void cast_float(const struct cast_float s, const uint8_t *input, float *output)
{
    for (int32_t i = 0; i < s.size; ++i) {
        output[i] = (float)input[i];
    }
}
