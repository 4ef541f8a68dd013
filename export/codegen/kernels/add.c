/*
 * ADD and SUB: both inputs are brought to a common scale with 20 more bits, added, and brought to the output's.
 *
 * Axes of size 1 are repeated: a stride of 0 stays where it is. `sign` is 1 or -1, for the second input.
 */
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
 * The element with 20 more bits, times a factor of at most 1, rounded twice. The multiplier is cut in two, so that
 * both products fit 32 bits.
 */
KERNEL int32_t add_scaled(int8_t value, const struct addend by)
{
    const int32_t element = value + by.offset;
    const int32_t upper = element * (by.multiplier >> 16);
    const int32_t lower = element * (by.multiplier & 0xffff);
    const int32_t product = upper * 32 + ((lower + (1 << 10)) >> 11);
    const int32_t half = (int32_t)((1u << -by.exponent) >> 1);

    return (product + half + (by.exponent ? product >> 31 : 0)) >> -by.exponent;
}

KERNEL void add(const struct add s, const int8_t *left, const int8_t *right, int8_t *output, const struct addend first,
    const struct addend second, int32_t multiplier, int32_t exponent, const struct range range)
{
    for (int32_t i = 0; i < s.size0; ++i) {
        for (int32_t j = 0; j < s.size1; ++j) {
            for (int32_t k = 0; k < s.size2; ++k) {
                const int8_t *a = left + i * s.left0 + j * s.left1 + k * s.left2;
                const int8_t *b = right + i * s.right0 + j * s.right1 + k * s.right2;

                for (int32_t l = 0; l < s.size3; ++l) {
                    const int32_t sum = add_scaled(a[l * s.left3], first) + s.sign * add_scaled(b[l * s.right3], second);

                    *output++ = requantize(sum, multiplier, exponent, s.output_rounding, range);
                }
            }
        }
    }
}
