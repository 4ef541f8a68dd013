/*
 * ADD and SUB: both inputs are brought to a common scale with more bits, added, and brought to the output's: 20 more
 * for elements of 8 bits, 15 for those of 16.
 *
 * Axes of size 1 are repeated: a stride of 0 stays where it is. `sign` is 1 or -1, for the second input.
 */
#include "element.c"
#include "requantize.c"

struct add {
    int32_t size0, size1, size2, size3;
    int32_t left0, left1, left2, left3;     /* strides of the first input */
    int32_t right0, right1, right2, right3; /* strides of the second */
    int32_t sign;
    int32_t output_rounding;
};

struct addend {
    int32_t offset, multiplier, exponent;
};

/*
 * The element with more bits, times a factor of at most 1/2, rounded twice. The multiplier is cut in two, so that both
 * products fit 32 bits.
 */
KERNEL int32_t add_scaled(element_t value, const struct addend by)
{
    const int32_t spare = sizeof(element_t) == 1 ? 11 : 16; /* 31 bits of the multiplier less those */
    const int32_t element = value + by.offset;
    const int32_t upper = element * (by.multiplier >> 16);
    const int32_t lower = element * (by.multiplier & 0xffff);
    const int32_t product = upper * (1 << (16 - spare)) + ((lower + (1 << (spare - 1))) >> spare);
    const int32_t half = (int32_t)((1u << -by.exponent) >> 1);

    return (product + half + (by.exponent ? product >> 31 : 0)) >> -by.exponent;
}

KERNEL void add(const struct add s, const element_t *left, const element_t *right, element_t *output, const struct addend first,
    const struct addend second, int32_t multiplier, int32_t exponent, const struct range range)
{
    for (int32_t i = 0; i < s.size0; ++i) {
        for (int32_t j = 0; j < s.size1; ++j) {
            for (int32_t k = 0; k < s.size2; ++k) {
                const element_t *a = left + i * s.left0 + j * s.left1 + k * s.left2;
                const element_t *b = right + i * s.right0 + j * s.right1 + k * s.right2;

                for (int32_t l = 0; l < s.size3; ++l) {
                    const int32_t sum = add_scaled(a[l * s.left3], first) + s.sign * add_scaled(b[l * s.right3], second);

                    *output++ = (element_t)limited(scale(sum, multiplier, exponent, s.output_rounding), range);
                }
            }
        }
    }
}
