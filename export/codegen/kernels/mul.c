/* MUL: the product of two elements. Axes of size 1 are repeated: a stride of 0 stays where it is. */
#include "element.c"
#include "requantize.c"

struct mul {
    int32_t size0, size1, size2, size3;
    int32_t left0, left1, left2, left3;     /* strides of the first input */
    int32_t right0, right1, right2, right3; /* strides of the second */
    int32_t rounding;
};

KERNEL void mul(const struct mul s, const element_t *left, const element_t *right, element_t *output, int32_t left_offset,
    int32_t right_offset, int32_t multiplier, int32_t exponent, const struct range range)
{
    for (int32_t i = 0; i < s.size0; ++i) {
        for (int32_t j = 0; j < s.size1; ++j) {
            for (int32_t k = 0; k < s.size2; ++k) {
                const element_t *a = left + i * s.left0 + j * s.left1 + k * s.left2;
                const element_t *b = right + i * s.right0 + j * s.right1 + k * s.right2;

                for (int32_t l = 0; l < s.size3; ++l) {
                    const int32_t product = (a[l * s.left3] + left_offset) * (b[l * s.right3] + right_offset);

                    *output++ = (element_t)limited(scale(product, multiplier, exponent, s.rounding), range);
                }
            }
        }
    }
}
