/* FULLY_CONNECTED on the tables of plain C, four outputs at once (NEON); those left over as there. */
#include "fully_connected.c"
#include "sum_four_neon.c"

/* The sums of four rows without the bias. */
KERNEL int32x4_t sum_rows_neon(const int8_t *values, const int8_t *rows, int32_t count, int32_t is_unsigned)
{
    const int32_t whole = count / 16 * 16;
    int32x4_t sums[4] = { vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0) };
    int32_t left[4] = { 0, 0, 0, 0 };

    for (int32_t i = 0; i < whole; i += 16) {
        const int16x8_t x = eight_neon(values + i, 0, is_unsigned), y = eight_neon(values + i + 8, 0, is_unsigned);

#pragma GCC unroll 4
        for (int32_t row = 0; row < 4; ++row) {
            const int8x16_t taps = vld1q_s8(rows + row * count + i);
            const int16x8_t a = vmovl_s8(vget_low_s8(taps)), b = vmovl_high_s8(taps);

            sums[row] = vmlal_s16(sums[row], vget_low_s16(a), vget_low_s16(x));
            sums[row] = vmlal_high_s16(sums[row], a, x);
            sums[row] = vmlal_s16(sums[row], vget_low_s16(b), vget_low_s16(y));
            sums[row] = vmlal_high_s16(sums[row], b, y);
        }
    }
    for (int32_t i = whole; i < count; ++i) {
        for (int32_t row = 0; row < 4; ++row) {
            left[row] += element(values + i, is_unsigned) * rows[row * count + i];
        }
    }
    return vaddq_s32(
        vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3])), vld1q_s32(left));
}

KERNEL void sums_of_rows_neon(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *exponent,
    const struct range range, int32_t is_unsigned)
{
    const int32_t fours = s.outputs / 4 * 4;
    const struct fully_connected left = { 1, s.inputs, s.outputs - fours, s.rounding };

    for (int32_t batch = 0; batch < s.batches; ++batch) {
        for (int32_t i = 0; i < fours; i += 4) {
            const int32x4_t sums = sum_rows_neon(input, weights + i * s.inputs, s.inputs, is_unsigned);

            requantize_neon(output + i, vaddq_s32(sums, vld1q_s32(bias + i)), multiplier + i, exponent + i, s.rounding,
                range);
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
