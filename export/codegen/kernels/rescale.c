/* 16-bit elements times a factor, another one below 0: QUANTIZE, RELU, RELU6, LEAKY_RELU. */
#include "element.c"
#include "requantize.c"

struct rescale {
    int32_t size;
};

struct factor {
    int32_t multiplier, exponent;
};

KERNEL void rescale(const struct rescale s, const int16_t *input, element_t *output, const struct factor above,
    const struct factor below, const struct range range)
{
    for (int32_t i = 0; i < s.size; ++i) {
        const int32_t multiplier = input[i] < 0 ? below.multiplier : above.multiplier;
        const int32_t exponent = input[i] < 0 ? below.exponent : above.exponent;

        output[i] = (element_t)limited(scale(input[i], multiplier, exponent, ROUND_TWICE_ANY), range);
    }
}
