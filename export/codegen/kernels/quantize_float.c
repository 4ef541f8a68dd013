/* QUANTIZE from float32: value / scale, rounded half away from zero. What is no number becomes the zero point. */
#include "element.c"
#include "requantize.c"

struct quantize_float {
    int32_t size;
    int32_t flip; /* 128 where the output is uint8, which is an int8 with another first bit */
};

KERNEL void quantize_float(
    const struct quantize_float s, const float *input, element_t *output, float step, const struct range range)
{
    for (int32_t i = 0; i < s.size; ++i) {
        const float quotient = input[i] / step;
        const float within = quotient > 131072.0f ? 131072.0f : quotient < -131072.0f ? -131072.0f : quotient;
        const float kept = within == within ? within : 0.0f;
        const int32_t whole = (int32_t)kept;
        const float rest = kept - (float)whole;
        const int32_t rounded = whole + (rest >= 0.5f) - (rest <= -0.5f);

        output[i] = (element_t)(largest(range.low, least(range.high, rounded + range.zero)) ^ s.flip);
    }
}
