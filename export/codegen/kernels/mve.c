/*
 * The vector instructions of Cortex-M55 and later (MVE, "Helium"): sums of 16 products of bytes at a time.
 *
 * The weights of four channels lie together, 16 taps of each in turn; zeros fill up what is left. The table
 * `channels` has for four channels at a time their biases, with the input's zero point, their multipliers, and the
 * bits of their last shifts, negative.
 */
#include "requantize.c"
#include <arm_mve.h>

/* 16 bytes as they go into a sum: if they have no sign, less 128, which is then part of the bias. */
KERNEL int8x16_t with_sign(int8x16_t values, int32_t is_unsigned)
{
    return is_unsigned ? veorq_s8(values, vdupq_n_s8(-128)) : values;
}

/* Add to the sums of four channels; `count` elements of the input, the last vector is not read beyond them. */
KERNEL void sum_vectors(
    const int8_t *input, const int8_t *weights, int32_t count, int32_t is_unsigned, int32_t sums[4])
{
    int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];

    for (int32_t vector = 0; vector < count / 16; ++vector) {
        const int8x16_t values = with_sign(vldrbq_s8(input), is_unsigned);

        sum0 = vmladavaq_s8(sum0, values, vldrbq_s8(weights));
        sum1 = vmladavaq_s8(sum1, values, vldrbq_s8(weights + 16));
        sum2 = vmladavaq_s8(sum2, values, vldrbq_s8(weights + 32));
        sum3 = vmladavaq_s8(sum3, values, vldrbq_s8(weights + 48));
        input += 16;
        weights += 64;
    }
    if (count % 16) {
        const int8x16_t values = with_sign(vldrbq_z_s8(input, vctp8q((uint32_t)count % 16)), is_unsigned);

        sum0 = vmladavaq_s8(sum0, values, vldrbq_s8(weights));
        sum1 = vmladavaq_s8(sum1, values, vldrbq_s8(weights + 16));
        sum2 = vmladavaq_s8(sum2, values, vldrbq_s8(weights + 32));
        sum3 = vmladavaq_s8(sum3, values, vldrbq_s8(weights + 48));
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

/* Four sums, without the bias, to elements of the output less its zero point. */
KERNEL int32x4_t scale_four(int32x4_t sums, const int32_t *channels, int32_t rounding)
{
    const int32x4_t multiplier = vldrwq_s32(channels + 4), shift = vldrwq_s32(channels + 8);

    sums = vaddq_s32(sums, vldrwq_s32(channels));
    if (rounding == ROUND_TWICE) {
        sums = vqrdmulhq_s32(sums, multiplier);
        sums = vaddq_s32(sums, vshrq_n_s32(sums, 31));
    } else {
        sums = vmulhq_s32(sums, multiplier);
    }
    return vrshlq_s32(sums, shift);
}

/* Write up to four channels of the output. */
KERNEL void write_four_mve(const int32_t sums[4], int8_t *output, int32_t count, const int32_t *channels,
    int32_t rounding, const struct range range)
{
    int32x4_t four = vdupq_n_s32(sums[0]);

    four = vsetq_lane_s32(sums[1], four, 1);
    four = vsetq_lane_s32(sums[2], four, 2);
    four = vsetq_lane_s32(sums[3], four, 3);
    four = vaddq_n_s32(scale_four(four, channels, rounding), range.zero);
    four = vmaxq_s32(vminq_s32(four, vdupq_n_s32(range.high)), vdupq_n_s32(range.low));
    if (count < 4) {
        vstrbq_p_s32(output, four, vctp32q((uint32_t)count));
    } else {
        vstrbq_s32(output, four);
    }
}
