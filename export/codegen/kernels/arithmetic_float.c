/* ADD, SUB and MUL of float32, before an input is quantized. A stride of 0 repeats an axis of size 1. */
#include "portable.c"

enum {
    FLOAT_ADD = 0,
    FLOAT_SUB = 1,
    FLOAT_MUL = 2
};

struct arithmetic_float {
    int32_t size0, size1, size2, size3;
    int32_t left0, left1, left2, left3;     /* strides of the first input */
    int32_t right0, right1, right2, right3; /* strides of the second */
    int32_t operation;
};

KERNEL void arithmetic_float(
    const struct arithmetic_float s, const float *left, const float *right, float *output)
{
    for (int32_t i = 0; i < s.size0; ++i) {
        for (int32_t j = 0; j < s.size1; ++j) {
            for (int32_t k = 0; k < s.size2; ++k) {
                const float *a = left + i * s.left0 + j * s.left1 + k * s.left2;
                const float *b = right + i * s.right0 + j * s.right1 + k * s.right2;

                for (int32_t l = 0; l < s.size3; ++l) {
                    const float x = a[l * s.left3], y = b[l * s.right3];

                    *output++ = s.operation == FLOAT_ADD ? x + y : s.operation == FLOAT_SUB ? x - y : x * y;
                }
            }
        }
    }
}
