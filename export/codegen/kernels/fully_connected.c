/*
 * FULLY_CONNECTED: for each output the sum of a row of weights times the input.
 *
 * The weights of four outputs lie together: [outputs / 4][inputs][4], then [outputs % 4][inputs]. The input's zero
 * point is part of the bias, since no tap is ever left out.
 */
#include "requantize.c"

struct fully_connected {
    int32_t batches;
    int32_t inputs, outputs;
    int32_t rounding;
};

/* An element of the input, which may be bytes without a sign. */
KERNEL int32_t element(const int8_t *input, int32_t i, int32_t is_unsigned)
{
    return is_unsigned ? (uint8_t)input[i] : input[i];
}

KERNEL void sums_of_rows(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *exponent,
    const struct range range, int32_t is_unsigned)
{
    for (int32_t batch = 0; batch < s.batches; ++batch) {
        const int8_t *row = weights;
        int32_t j = 0;

        for (; j < s.outputs / 4 * 4; j += 4) {
            int32_t sum0 = bias[j], sum1 = bias[j + 1], sum2 = bias[j + 2], sum3 = bias[j + 3];

            for (int32_t i = 0; i < s.inputs; ++i) {
                const int32_t value = element(input, i, is_unsigned);

                sum0 += value * row[4 * i];
                sum1 += value * row[4 * i + 1];
                sum2 += value * row[4 * i + 2];
                sum3 += value * row[4 * i + 3];
            }
            output[j] = requantize(sum0, multiplier[j], exponent[j], s.rounding, range);
            output[j + 1] = requantize(sum1, multiplier[j + 1], exponent[j + 1], s.rounding, range);
            output[j + 2] = requantize(sum2, multiplier[j + 2], exponent[j + 2], s.rounding, range);
            output[j + 3] = requantize(sum3, multiplier[j + 3], exponent[j + 3], s.rounding, range);
            row += 4 * s.inputs;
        }
        for (; j < s.outputs; ++j) {
            int32_t sum = bias[j];

            for (int32_t i = 0; i < s.inputs; ++i) {
                sum += element(input, i, is_unsigned) * row[i];
            }
            output[j] = requantize(sum, multiplier[j], exponent[j], s.rounding, range);
            row += s.inputs;
        }
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *exponent,
    const struct range range)
{
    sums_of_rows(s, input, output, weights, bias, multiplier, exponent, range, 0);
}
