/* REDUCE_MAX, and with a `sign` of -1 REDUCE_MIN: over up to two groups of neighbouring axes. */
#include "element.c"
#include "requantize.c"

struct reduce_max {
    int32_t kept0, reduced1, kept2, reduced3, kept4;
    int32_t sign;
};

KERNEL void reduce_max(const struct reduce_max s, const element_t *input, element_t *output)
{
    for (int32_t i = 0; i < s.kept0; ++i) {
        for (int32_t k = 0; k < s.kept2; ++k) {
            for (int32_t m = 0; m < s.kept4; ++m) {
                int32_t most = sizeof(element_t) == 1 ? -128 : -32768;

                for (int32_t j = 0; j < s.reduced1; ++j) {
                    for (int32_t l = 0; l < s.reduced3; ++l) {
                        most = largest(most,
                            s.sign * input[(((i * s.reduced1 + j) * s.kept2 + k) * s.reduced3 + l) * s.kept4 + m]);
                    }
                }
                *output++ = (element_t)(s.sign * most);
            }
        }
    }
}
