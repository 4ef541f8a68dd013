/* FULLY_CONNECTED on the tables of plain C, four outputs at once (NEON); those left over as there. */
#include "fully_connected.c"
#include "sum_four_neon.c"

KERNEL void sums_of_rows_neon(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *exponent,
    const struct range range, int32_t is_unsigned)
{
    const int32_t fours = s.outputs / 4 * 4;
    const struct fully_connected left = { 1, s.inputs, s.outputs - fours, s.rounding };

    for (int32_t batch = 0; batch < s.batches; ++batch) {
        for (int32_t i = 0; i < fours; i += 4) {
            const int8_t *rows = weights + i * s.inputs;

            requantize_neon(output + i, sum_four_neon(input, rows, s.inputs, 0, is_unsigned, vld1q_s32(bias + i)),
                multiplier + i, exponent + i, s.rounding, range);
        }
        sums_of_rows(left, input, output + fours, weights + fours * s.inputs, bias + fours, multiplier + fours,
            exponent + fours, range, is_unsigned);
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected_neon(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *exponent,
    const struct range range)
{
    sums_of_rows_neon(s, input, output, weights, bias, multiplier, exponent, range, 0);
}
