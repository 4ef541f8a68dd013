/* FULLY_CONNECTED, with vector instructions; the tables are those of `mve.c`. */
#include "mve.c"

struct fully_connected_mve {
    int32_t batches;
    int32_t inputs, outputs;
    int32_t rounding;
};

KERNEL void sums_of_rows_mve(const struct fully_connected_mve s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *channels, const struct range range, int32_t is_unsigned)
{
    for (int32_t batch = 0; batch < s.batches; ++batch) {
        const int8_t *rows = weights;

        for (int32_t j = 0; j < s.outputs; j += 4) {
            int32_t sums[4] = { 0, 0, 0, 0 };

            sum_vectors(input, rows, s.inputs, is_unsigned, sums);
            write_four_mve(
                sums, output + j, s.outputs % 4 ? s.outputs - j : 4, channels + 3 * j, s.rounding, range);
            rows += (s.inputs + 15) / 16 * 64;
        }
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected_mve(const struct fully_connected_mve s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *channels, const struct range range)
{
    sums_of_rows_mve(s, input, output, weights, channels, range, 0);
}
