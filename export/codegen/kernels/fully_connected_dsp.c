/*
 * FULLY_CONNECTED, with DSP instructions.
 *
 * The weights of four outputs lie together as `dsp.c` says; zeros fill up the last four inputs and outputs. The
 * input's zero point is part of the bias. An unrolled loop saves 2 % and is not worth its code.
 */
#include "dsp.c"

struct fully_connected_dsp {
    int32_t batches;
    int32_t inputs, outputs;
    int32_t apart, rounding, full;
};

KERNEL void sums_of_rows_dsp(const struct fully_connected_dsp s, const int8_t *input, int8_t *output,
    const int32_t *weights, const int32_t *channels, const struct range range, int32_t is_unsigned)
{
    for (int32_t batch = 0; batch < s.batches; ++batch) {
        const int32_t *row = weights;
        const struct channel *by = (const struct channel *)channels;

        for (int32_t j = 0; j < s.outputs; j += 4) {
            struct four_sums sums = { 0, 0, 0, 0 };

            row = sum_words(input, row, s.inputs / 4, 1, s.apart, 0, is_unsigned, &sums);
            if (s.inputs % 4) {
                row = sum_words(input + s.inputs - 4, row, 1, 1, s.apart, 0, is_unsigned, &sums);
            }
            write_four(sums, output + j, s.outputs % 4 ? s.outputs - j : 4, by, s.apart, s.rounding, s.full, range);
            by += 4;
        }
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected_dsp(const struct fully_connected_dsp s, const int8_t *input, int8_t *output,
    const int32_t *weights, const int32_t *channels, const struct range range)
{
    sums_of_rows_dsp(s, input, output, weights, channels, range, 0);
}
