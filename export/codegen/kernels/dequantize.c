/* DEQUANTIZE to float32. */
#include "element.c"
#include "portable.c"

struct dequantize {
    int32_t size;
    int32_t is_unsigned; /* whether the input is uint8 */
};

KERNEL void dequantize(const struct dequantize s, const element_t *input, float *output, float step, int32_t zero)
{
    for (int32_t i = 0; i < s.size; ++i) {
        output[i] = step * (float)((s.is_unsigned ? (uint8_t)input[i] : input[i]) - zero);
    }
}
