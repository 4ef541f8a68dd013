/*
 * The sums of four channels over neighbouring elements of the input, whose weights lie together: [count][4].
 *
 * Cortex-M0 has registers for nothing else besides, so that it is a function there, and two taps are done at once.
 */
#include "portable.c"

#if defined(__GNUC__) && (defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__))
LAYER void sum_four(const int8_t *values, const int8_t *taps, int32_t count, int32_t offset, int32_t *sums)
{
    int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];

    if (count % 2) {
        const int32_t value = *values++ + offset;

        sum0 += value * taps[0];
        sum1 += value * taps[1];
        sum2 += value * taps[2];
        sum3 += value * taps[3];
        taps += 4;
    }
    for (const int8_t *const end = values + count / 2 * 2; values < end; values += 2) {
        const int32_t value = values[0] + offset, next = values[1] + offset;

        sum0 += value * taps[0];
        sum1 += value * taps[1];
        sum2 += value * taps[2];
        sum3 += value * taps[3];
        sum0 += next * taps[4];
        sum1 += next * taps[5];
        sum2 += next * taps[6];
        sum3 += next * taps[7];
        taps += 8;
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}
#else
KERNEL void sum_four(const int8_t *values, const int8_t *taps, int32_t count, int32_t offset, int32_t *sums)
{
    int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];

    for (int32_t i = 0; i < count; ++i) {
        const int32_t value = values[i] + offset;

        sum0 += value * taps[4 * i];
        sum1 += value * taps[4 * i + 1];
        sum2 += value * taps[4 * i + 2];
        sum3 += value * taps[4 * i + 3];
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}
#endif
