/* The sums of four channels as sum_four has them, of eight elements of the input at once, and their results (NEON). */
#include "requantize.c"
#include <arm_neon.h>

/* Eight elements of the input, which may be bytes without a sign. */
KERNEL int16x8_t eight_neon(const int8_t *values, int32_t offset, int32_t is_unsigned)
{
    const int16x8_t wide = is_unsigned ? vreinterpretq_s16_u16(vmovl_u8(vld1_u8((const uint8_t *)values)))
                                       : vmovl_s8(vld1_s8(values));

    return vaddq_s16(wide, vdupq_n_s16((int16_t)offset));
}

KERNEL int32x4_t sum_four_neon(
    const int8_t *values, const int8_t *taps, int32_t count, int32_t offset, int32x4_t sums)
{
    int32x4_t others = vdupq_n_s32(0);

    for (; count >= 8; count -= 8, values += 8, taps += 32) {
        const int16x8_t x = eight_neon(values, offset, 0);
        const int8x16_t first = vld1q_s8(taps), last = vld1q_s8(taps + 16);
        const int16x8_t a = vmovl_s8(vget_low_s8(first)), b = vmovl_high_s8(first);
        const int16x8_t c = vmovl_s8(vget_low_s8(last)), d = vmovl_high_s8(last);

        sums = vmlal_laneq_s16(sums, vget_low_s16(a), x, 0);
        others = vmlal_high_laneq_s16(others, a, x, 1);
        sums = vmlal_laneq_s16(sums, vget_low_s16(b), x, 2);
        others = vmlal_high_laneq_s16(others, b, x, 3);
        sums = vmlal_laneq_s16(sums, vget_low_s16(c), x, 4);
        others = vmlal_high_laneq_s16(others, c, x, 5);
        sums = vmlal_laneq_s16(sums, vget_low_s16(d), x, 6);
        others = vmlal_high_laneq_s16(others, d, x, 7);
    }
    for (; count > 0; --count, ++values, taps += 4) {
        const int32_t weights[4] = { taps[0], taps[1], taps[2], taps[3] };

        sums = vmlaq_n_s32(sums, vld1q_s32(weights), *values + offset);
    }
    return vaddq_s32(sums, others);
}

/* Writes four elements of an output as requantize() has them. */
KERNEL void requantize_neon(int8_t *output, int32x4_t sums, const int32_t *multiplier, const int8_t *exponent,
    int32_t rounding, const struct range range)
{
    const int32_t shifts[4] = { exponent[0], exponent[1], exponent[2], exponent[3] };
    const int32x4_t by = vld1q_s32(multiplier);
    int32_t found[4];

    if (rounding == ROUND_TWICE || rounding == ROUND_ONCE) {
        const int32x4_t rounded = vqrdmulhq_s32(sums, by);
        const int32x4_t product = rounding == ROUND_ONCE ? vqdmulhq_s32(sums, by)
                                                         : vaddq_s32(rounded, vshrq_n_s32(rounded, 31));
        const int32x4_t scaled = vminq_s32(vrshlq_s32(product, vld1q_s32(shifts)), vdupq_n_s32(range.high - range.zero));

        vst1q_s32(found, vaddq_s32(vmaxq_s32(scaled, vdupq_n_s32(range.low - range.zero)), vdupq_n_s32(range.zero)));
        for (int32_t i = 0; i < 4; ++i) {
            output[i] = (int8_t)found[i];
        }
        return;
    }
    vst1q_s32(found, sums);
    for (int32_t i = 0; i < 4; ++i) {
        output[i] = requantize(found[i], multiplier[i], exponent[i], rounding, range);
    }
}
