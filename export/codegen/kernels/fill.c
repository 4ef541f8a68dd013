/* The same element everywhere. */
#include "portable.c"

struct fill {
    int32_t size;
};

KERNEL void fill(const struct fill s, uint8_t *output, int32_t value)
{
    for (int32_t i = 0; i < s.size; ++i) {
        output[i] = (uint8_t)value;
    }
}
