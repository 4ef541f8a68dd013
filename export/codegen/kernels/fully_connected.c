/*
 * FULLY_CONNECTED: for each output the sum of a row of weights times the input.
 *
 * The weights of four outputs lie together: [outputs / 4][inputs][4], then [outputs % 4][inputs]. The input's zero
 * point is part of the bias, since no tap is ever left out.
 */
#include "requantize.c"
#include "sum_four.c"

struct fully_connected {
    int32_t batches;
    int32_t inputs, outputs;
    int32_t rounding;
};

KERNEL void sums_of_rows(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *exponent,
    const struct range range, int32_t is_unsigned)
{
    for (int32_t batch = 0; batch < s.batches; ++batch) {
        const int8_t *row = weights;
        int32_t j = 0;

        for (; j < s.outputs / 4 * 4; j += 4) {
            int32_t sums[4] = { bias[j], bias[j + 1], bias[j + 2], bias[j + 3] };

            if (is_unsigned) {
                sum_four_bytes(input, row, s.inputs, sums);
            } else {
                sum_four(input, row, s.inputs, 0, sums);
            }
            for (int32_t i = j; i < j + 4; ++i) {
                output[i] = requantize(sums[i - j], multiplier[i], exponent[i], s.rounding, range);
            }
            row += 4 * s.inputs;
        }
        for (; j < s.outputs; ++j) {
            int32_t sum = bias[j];

            for (int32_t i = 0; i < s.inputs; ++i) {
                sum += element(input + i, is_unsigned) * row[i];
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
