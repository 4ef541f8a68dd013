/* The same element everywhere. */
#include "element.c"
#include "portable.c"

struct fill {
    int32_t size;
};

KERNEL void fill(const struct fill s, element_t *output, int32_t value)
{
    for (int32_t i = 0; i < s.size; ++i) {
        output[i] = (element_t)value;
    }
}
