/* FULLY_CONNECTED of 16-bit elements: for each output the sum of a row of weights, [outputs][inputs], times the input. */
#include "wide.c"

struct fully_connected_int16 {
    int32_t batches;
    int32_t inputs, outputs;
    int32_t rounding, bits, narrow;
};

KERNEL void fully_connected_int16(const struct fully_connected_int16 s, const int16_t *input, int16_t *output,
    const int8_t *weights, const int64_t *bias, const int64_t *multiplier, const int8_t *exponent,
    const struct range range)
{
    const struct wide by = { s.rounding, s.bits, s.narrow };

    for (int32_t batch = 0; batch < s.batches; ++batch) {
        for (int32_t j = 0; j < s.outputs; ++j) {
            const int64_t sum = bias[j] + products(input, weights + j * s.inputs, s.inputs);

            output[j] = requantize_wide(by, sum, multiplier[j], exponent[j], range);
        }
        input += s.inputs;
        output += s.outputs;
    }
}
