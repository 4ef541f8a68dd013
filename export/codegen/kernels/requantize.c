/*
 * How a sum of products becomes an element of the output.
 *
 * A real factor is multiplier * 2^(exponent - 31). TensorFlow Lite's kernels do not round alike, so each layer names
 * its way, and where this is inlined, it is a constant.
 */
#include "portable.c"

enum {
    ROUND_TWICE = 0,      /* half up to 31 bits, then half away from zero; exponents below 0 only */
    ROUND_TWICE_ANY = 1,  /* the same for all exponents */
    ROUND_ONCE = 2,       /* half up; exponents below -1 only */
    ROUND_ONCE_ANY = 3,   /* the same for all exponents */
    ROUND_ONCE_BELOW = 4  /* up only if it is more than half */
};

KERNEL int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

KERNEL int32_t largest(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* The 32 bits of value * 2^bits that are left, as TensorFlow Lite has them where they overflow. */
KERNEL int32_t shift_left(int32_t value, int32_t bits)
{
    const uint32_t shifted = (uint32_t)value << bits;

    return shifted < 0x80000000u ? (int32_t)shifted : -(int32_t)~shifted - 1;
}

/* a * b / 2^31, rounded half up. */
KERNEL int32_t high_product(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/*
 * sum * multiplier / 2^bits for 31 or 32 bits, rounded down after `half` is added, where 32 bits hold them all.
 *
 * The generator keeps sums of products below 2^31 - 2^17, so that a processor without longer products can do with
 * those of 16 bits.
 */
KERNEL int32_t upper_product(int32_t sum, int32_t multiplier, int32_t bits, int32_t half)
{
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__) || defined(SHORT_PRODUCTS)
    const int32_t upper = ((sum >> 15) + 1) >> 1, lower = (int16_t)sum;
    const int32_t upper_by = ((multiplier >> 15) + 1) >> 1, lower_by = (int16_t)multiplier;
    const int32_t middle = upper * lower_by + lower * upper_by + ((lower * lower_by) >> 16) + (half >> 16);

    return upper * upper_by * (1 << (32 - bits)) + (middle >> (bits - 16));
#else
    return (int32_t)(((int64_t)sum * multiplier + half) >> bits);
#endif
}

/* value / 2^bits, rounded half away from zero. */
KERNEL int32_t rounded_shift(int32_t value, int32_t bits)
{
    const int32_t low = value & (int32_t)((1u << bits) - 1u);
    const int32_t half = (int32_t)((1u << bits) >> 1);

    return (value >> bits) + (bits > 0 && low >= half + (value < 0));
}

KERNEL int32_t scale(int32_t sum, int32_t multiplier, int32_t exponent, int32_t rounding)
{
    if (rounding == ROUND_TWICE) {
        const int32_t product = upper_product(sum, multiplier, 31, 1 << 30);

        return (((product + (product >> 31)) >> (-1 - exponent)) + 1) >> 1;
    }
    if (rounding == ROUND_TWICE_ANY) {
        const int32_t left = largest(exponent, 0);

        return rounded_shift(high_product(shift_left(sum, left), multiplier), left - exponent);
    }
    if (rounding == ROUND_ONCE) {
        return ((upper_product(sum, multiplier, 32, 0) >> (-2 - exponent)) + 1) >> 1;
    }
    {
        const int64_t half = ((int64_t)1 << (30 - exponent)) - (rounding == ROUND_ONCE_BELOW);

        return (int32_t)(((int64_t)sum * multiplier + half) >> (31 - exponent));
    }
}

/* What the elements of an output are: the value for 0, and where they are cut off. */
struct range {
    int32_t zero;
    int32_t low;
    int32_t high;
};

/* The element for a scaled sum: its zero point is added, and it is cut off at the limits. */
KERNEL int32_t limited(int32_t scaled, const struct range range)
{
    /* the limits without the zero point, so that no sum overflows */
    return largest(range.low - range.zero, least(range.high - range.zero, scaled)) + range.zero;
}

KERNEL int8_t requantize(
    int32_t sum, int32_t multiplier, int32_t exponent, int32_t rounding, const struct range range)
{
    return (int8_t)limited(scale(sum, multiplier, exponent, rounding), range);
}
