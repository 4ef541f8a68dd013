/* ADD and SUB of tensors of the same shape, with vector instructions: four elements at a time. */
#include "add.c"
#include "mve.c"

/* A quotient by 2^-shift, rounded half away from zero. */
KERNEL int32x4_t rounded_shift_mve(int32x4_t values, int32_t shift)
{
    const int32x4_t shifts = vdupq_n_s32(shift);

    return vrshlq_s32(vaddq_s32(values, vshrq_n_s32(vandq_s32(values, shifts), 31)), shifts);
}

KERNEL int32x4_t add_scaled_mve(int32x4_t values, const struct addend by)
{
    values = vshlq_n_s32(vaddq_n_s32(values, by.offset), 20);
    return rounded_shift_mve(vqrdmulhq_n_s32(values, by.multiplier), by.exponent);
}

KERNEL void add_mve(const struct add s, const int8_t *left, const int8_t *right, int8_t *output,
    const struct addend first, const struct addend second, int32_t multiplier, int32_t exponent,
    const struct range range)
{
    for (int32_t left_over = s.size3; left_over > 0; left_over -= 4) {
        const mve_pred16_t within = vctp32q((uint32_t)left_over);
        const int32x4_t a = add_scaled_mve(vldrbq_z_s32(left, within), first);
        const int32x4_t b = add_scaled_mve(vldrbq_z_s32(right, within), second);
        int32x4_t sums = s.sign > 0 ? vaddq_s32(a, b) : vsubq_s32(a, b);

        sums = rounded_shift_mve(vqrdmulhq_n_s32(sums, multiplier), exponent);
        sums = vminq_s32(vaddq_n_s32(sums, range.zero), vdupq_n_s32(range.high));
        vstrbq_p_s32(output, vmaxq_s32(sums, vdupq_n_s32(range.low)), within);
        left += 4;
        right += 4;
        output += 4;
    }
}
