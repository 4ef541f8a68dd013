/*
 * The sums of four channels over neighbouring elements of the input, whose weights lie together: [count][4].
 *
 * Cortex-M0 has registers for nothing else besides, so that they are functions there, and two taps are done at once.
 */
#include "portable.c"

#if defined(__GNUC__) && (defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__))
#define SUM_FOUR static __attribute__((noinline, unused))
enum { TAPS_AT_ONCE = 2 };
#else
#define SUM_FOUR KERNEL
enum { TAPS_AT_ONCE = 1 };
#endif

KERNEL void add_four(int32_t value, const int8_t *taps, int32_t *sums)
{
    sums[0] += value * taps[0];
    sums[1] += value * taps[1];
    sums[2] += value * taps[2];
    sums[3] += value * taps[3];
}

SUM_FOUR void sum_four(const int8_t *values, const int8_t *taps, int32_t count, int32_t offset, int32_t *sums)
{
    int32_t local[4] = { sums[0], sums[1], sums[2], sums[3] };

    if (TAPS_AT_ONCE > 1 && count % 2 != 0) {
        add_four(*values++ + offset, taps, local);
        taps += 4;
    }
    for (const int8_t *const end = values + count / TAPS_AT_ONCE * TAPS_AT_ONCE; values < end;) {
        const int32_t value = values[0] + offset;
        const int32_t next = TAPS_AT_ONCE > 1 ? values[1] + offset : 0;

        add_four(value, taps, local);
        if (TAPS_AT_ONCE > 1) {
            add_four(next, taps + 4, local);
        }
        values += TAPS_AT_ONCE;
        taps += 4 * TAPS_AT_ONCE;
    }
    sums[0] = local[0];
    sums[1] = local[1];
    sums[2] = local[2];
    sums[3] = local[3];
}
