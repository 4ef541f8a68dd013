/*
 * Sums of products of the input and rows of weights: [rows][count].
 *
 * Processors with vectors multiply numbers of 16 bits, x86 in pairs. Compilers see that where the input is in 16 bits
 * already. Others keep the input for as many rows at once as they have registers for: Cortex-M0 for two.
 */
#include "requantize.c"

#if defined(__SSE2__) || defined(__ARM_NEON)
#define SUM_ROWS KERNEL
enum { ROWS_AT_ONCE = 64, WIDENED = 1024 };
#elif defined(__GNUC__) && (defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__))
#define SUM_ROWS static __attribute__((noinline, unused))
enum { ROWS_AT_ONCE = 2 };
#else
#define SUM_ROWS KERNEL
enum { ROWS_AT_ONCE = 4 };
#endif

/* An element of the input, which may be bytes without a sign. */
KERNEL int32_t element(const int8_t *input, int32_t is_unsigned)
{
    return is_unsigned ? *(const uint8_t *)input : *input;
}

#if defined(__SSE2__) || defined(__ARM_NEON)
#if defined(__clang__) && defined(__SSE2__)
/* Clang adds neighbours, as the instruction does, only in a sum alone and if it takes four vectors at once. Where it
   is not asked to optimize that much, there is nothing to warn of. */
#pragma clang diagnostic ignored "-Wpass-failed"
KERNEL void sum_four_rows(
    const int16_t *values, const int8_t *const rows[4], int32_t count, int32_t more, int32_t *sums)
{
    for (int32_t row = 0; row < 4; ++row) {
        const int8_t *weights = rows[row];
        int32_t sum = more ? sums[row] : 0;

#pragma clang loop vectorize_width(32) interleave_count(2)
        for (int32_t i = 0; i < count; ++i) {
            sum += values[i] * weights[i];
        }
        sums[row] = sum;
    }
}
#else
KERNEL void sum_four_rows(
    const int16_t *values, const int8_t *const rows[4], int32_t count, int32_t more, int32_t *sums)
{
    const int8_t *row0 = rows[0], *row1 = rows[1], *row2 = rows[2], *row3 = rows[3];
    int32_t sum0 = more ? sums[0] : 0, sum1 = more ? sums[1] : 0;
    int32_t sum2 = more ? sums[2] : 0, sum3 = more ? sums[3] : 0;

    for (int32_t i = 0; i < count; ++i) {
        sum0 += values[i] * row0[i];
        sum1 += values[i] * row1[i];
        sum2 += values[i] * row2[i];
        sum3 += values[i] * row3[i];
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}
#endif

KERNEL void sum_elements(
    const int8_t *values, const int8_t *weights, int32_t count, int32_t rows, int32_t is_unsigned, int32_t *sums)
{
    for (int32_t first = 0; first < count; first += WIDENED) {
        const int32_t part = least(WIDENED, count - first);
        int16_t wide[WIDENED];

        for (int32_t i = 0; i < part; ++i) {
            wide[i] = (int16_t)element(values + first + i, is_unsigned);
        }
        for (int32_t row = 0; row < rows; row += 4) {
            const int8_t *four[4];

            for (int32_t i = 0; i < 4; ++i) {
                four[i] = weights + least(row + i, rows - 1) * count + first;
            }
            sum_four_rows(wide, four, part, first > 0, sums + row);
        }
    }
}
#elif defined(__GNUC__) && (defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__))
/* The index stays in one register, since no load that keeps the sign takes i + 1 as well. */
#define SUM_TWO value = element(values + i, is_unsigned), sum0 += value * weights[i], sum1 += value * next[i], ++i

KERNEL void sum_elements(
    const int8_t *values, const int8_t *weights, int32_t count, int32_t rows, int32_t is_unsigned, int32_t *sums)
{
    const int8_t *next = weights + (rows - 1) * count;
    int32_t value, sum0 = 0, sum1 = 0, i = -count;

    values += count;
    weights += count;
    next += count;
    while (i % 4 != 0) {
        SUM_TWO;
        __asm__("" : "+r"(i));
    }
    while (i != 0) {
        SUM_TWO;
        __asm__("" : "+r"(i));
        SUM_TWO;
        __asm__("" : "+r"(i));
        SUM_TWO;
        __asm__("" : "+r"(i));
        SUM_TWO;
        __asm__("" : "+r"(i));
    }
    sums[0] = sum0;
    sums[1] = sum1;
}
#else
KERNEL void sum_elements(
    const int8_t *values, const int8_t *weights, int32_t count, int32_t rows, int32_t is_unsigned, int32_t *sums)
{
    const int8_t *row1 = weights + least(rows - 1, 1) * count, *row2 = weights + least(rows - 1, 2) * count;
    const int8_t *row3 = weights + (rows - 1) * count;
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;

    for (int32_t i = 0; i < count; i += 2) {
        const int32_t value = element(values + i, is_unsigned);

        sum0 += value * weights[i];
        sum1 += value * row1[i];
        sum2 += value * row2[i];
        sum3 += value * row3[i];
        if (i + 1 < count) {
            const int32_t next = element(values + i + 1, is_unsigned);

            sum0 += next * weights[i + 1];
            sum1 += next * row1[i + 1];
            sum2 += next * row2[i + 1];
            sum3 += next * row3[i + 1];
        }
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}
#endif

/* The sums of at most ROWS_AT_ONCE rows; there is memory for so many, and what is in the others is lost. */
SUM_ROWS void sum_rows(const int8_t *values, const int8_t *weights, int32_t count, int32_t rows, int32_t *sums)
{
    sum_elements(values, weights, count, rows, 0, sums);
}

SUM_ROWS void sum_rows_of_bytes(
    const int8_t *values, const int8_t *weights, int32_t count, int32_t rows, int32_t *sums)
{
    sum_elements(values, weights, count, rows, 1, sums);
}
