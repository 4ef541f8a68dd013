/*
 * MEAN: over up to two groups of neighbouring axes, which are those of `reduced1` and `reduced3`.
 *
 * The number of elements is part of the multiplier.
 */
#include "element.c"
#include "requantize.c"

struct mean {
    int32_t kept0, reduced1, kept2, reduced3, kept4;
    int32_t rounding;
};

KERNEL void mean(const struct mean s, const element_t *input, element_t *output, int32_t zero, int32_t multiplier,
    int32_t exponent, const struct range range)
{
    for (int32_t i = 0; i < s.kept0; ++i) {
        for (int32_t k = 0; k < s.kept2; ++k) {
            for (int32_t m = 0; m < s.kept4; ++m) {
                int32_t sum = -zero * s.reduced1 * s.reduced3;

                for (int32_t j = 0; j < s.reduced1; ++j) {
                    for (int32_t l = 0; l < s.reduced3; ++l) {
                        sum += input[(((i * s.reduced1 + j) * s.kept2 + k) * s.reduced3 + l) * s.kept4 + m];
                    }
                }
                *output++ = (element_t)limited(scale(sum, multiplier, exponent, s.rounding), range);
            }
        }
    }
}
