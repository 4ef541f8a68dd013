/*
 * Sums of products of 16-bit elements, in 64 bits, and how they become elements.
 *
 * `ROUND_REDUCED` is TensorFlow Lite's product of a 64-bit sum and the 15 high bits of a multiplier, rounded half up.
 * `ROUND_ONCE_WIDE` is a multiplier of up to 62 bits, in two halves of `bits` bits, rounded half up once; there the
 * exponent is the shift to the right that is left after the lower half. All others are those of 32 bits.
 */
#include "requantize.c"

enum {
    ROUND_REDUCED = 5,
    ROUND_ONCE_WIDE = 6
};

/* How the sums of a layer are scaled. */
struct wide {
    int32_t rounding;
    int32_t bits;
    int32_t narrow; /* whether sums are what is left of them in 32 bits */
};

/* The 32 low bits of a sum. */
KERNEL int32_t low_word(int64_t sum)
{
    const int32_t low = (int32_t)(sum & 0x7fffffff);

    return (sum & 0x80000000) != 0 ? low - 2147483647 - 1 : low;
}

KERNEL int32_t scale_wide(const struct wide by, int64_t sum, int64_t multiplier, int32_t exponent)
{
    if (by.rounding == ROUND_REDUCED) {
        return low_word((sum * multiplier + ((int64_t)1 << (14 - exponent))) >> (15 - exponent));
    }
    if (by.rounding == ROUND_ONCE_WIDE) {
        const int64_t most = ((int64_t)1 << (62 - by.bits)) - 1; /* beyond it the element is cut off anyway */
        const int64_t whole = by.narrow ? low_word(sum) : sum;
        const int64_t kept = whole > most ? most : whole < -most ? -most : whole;
        const int64_t upper = kept * (multiplier >> by.bits);
        const int64_t lower = kept * (multiplier & (((int64_t)1 << by.bits) - 1));

        return (int32_t)((upper + (lower >> by.bits) + ((int64_t)1 << (exponent - 1))) >> exponent);
    }
    return scale(low_word(sum), (int32_t)multiplier, exponent, by.rounding);
}

KERNEL int16_t requantize_wide(
    const struct wide by, int64_t sum, int64_t multiplier, int32_t exponent, const struct range range)
{
    return (int16_t)limited(scale_wide(by, sum, multiplier, exponent), range);
}

/* The sum of products of neighbours; each part of it fits 32 bits. */
KERNEL int64_t products(const int16_t *values, const int8_t *weights, int32_t count)
{
    int64_t sum = 0;

    for (int32_t begin = 0; begin < count; begin += 256) {
        const int32_t end = least(begin + 256, count);
        int32_t part = 0;

        for (int32_t i = begin; i < end; ++i) {
            part += values[i] * weights[i];
        }
        sum += part;
    }
    return sum;
}
