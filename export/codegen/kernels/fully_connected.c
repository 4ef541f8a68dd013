/*
 * FULLY_CONNECTED: for each output the sum of a row of weights times the input.
 *
 * The weights are [outputs][inputs]. The input's zero point is part of the bias, since no tap is ever left out.
 */
#include "requantize.c"
#include "sum_rows.c"

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
        for (int32_t first = 0; first < s.outputs; first += ROWS_AT_ONCE) {
            const int32_t rows = least(ROWS_AT_ONCE, s.outputs - first);
            int32_t sums[ROWS_AT_ONCE];

            if (is_unsigned) {
                sum_rows_of_bytes(input, weights + first * s.inputs, s.inputs, rows, sums);
            } else {
                sum_rows(input, weights + first * s.inputs, s.inputs, rows, sums);
            }
            for (int32_t i = 0; i < rows; ++i) {
                output[first + i] = requantize(
                    sums[i] + bias[first + i], multiplier[first + i], exponent[first + i], s.rounding, range);
            }
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
