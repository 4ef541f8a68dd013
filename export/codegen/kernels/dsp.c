/*
 * The DSP instructions of Cortex-M4 and later: two products of 16 bits at a time.
 *
 * Four bytes of the input become two pairs of 16 bits, those at even and those at odd places. Weights lie in pairs
 * likewise, and a pair holds two channels: 256 * first + second. One product with it gives 256 sums of the first
 * plus the sum of the second, another with the lower bytes alone gives the second; the generator checks that the
 * first is left. Where it is not, `apart` says that the upper bytes are the first channel's weights themselves.
 *
 * Rounded twice is SMMULR of twice the sum, and a rounded shift; rounded once is SMMUL likewise. The table
 * `channels` has for each channel twice the bias, the multiplier, and the bits of the shift less one.
 */
#include "requantize.c"
#include <arm_acle.h>

typedef struct __attribute__((packed, may_alias)) {
    uint32_t bits;
} unaligned_word;

/* Two words that LDRD loads. */
typedef uint64_t __attribute__((aligned(4), may_alias)) two_words;

KERNEL uint32_t load_word(const int8_t *bytes)
{
    return ((const unaligned_word *)bytes)->bits;
}

/* The bytes 1 and 3, each as 16 bits, plus a pair. */
KERNEL uint32_t odd_bytes(uint32_t pair, uint32_t bytes)
{
    uint32_t sums;

    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sums) : "r"(pair), "r"(bytes));
    return sums;
}

/* The bytes 0 and 2, each as 16 bits, plus a pair. */
KERNEL uint32_t even_bytes(uint32_t pair, uint32_t bytes)
{
    return (uint32_t)__sxtab16((int16x2_t)pair, (int8x4_t)bytes);
}

/* The bytes 0 and 2, or 1 and 3, each as 16 bits without a sign. */
KERNEL uint32_t even_bytes_unsigned(uint32_t bytes)
{
    return (uint32_t)__uxtb16((uint8x4_t)bytes);
}

KERNEL uint32_t odd_bytes_unsigned(uint32_t bytes)
{
    uint32_t pair;

    __asm__("uxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

KERNEL int32_t two_products(uint32_t a, uint32_t b, int32_t sum)
{
    return __smlad((int16x2_t)a, (int16x2_t)b, sum);
}

/* a * b / 2^32, rounded half up. */
KERNEL int32_t rounded_upper_word(int32_t a, int32_t b)
{
    int32_t upper;

    __asm__("smmulr %0, %1, %2" : "=r"(upper) : "r"(a), "r"(b));
    return upper;
}

/* What 8 bits hold of it. */
KERNEL int32_t saturate(int32_t value)
{
    int32_t saturated;

    __asm__("ssat %0, #8, %1" : "=r"(saturated) : "r"(value) : "cc");
    return saturated;
}

struct channel {
    int32_t twice_bias, multiplier, shift;
};

/* `full` says that the range is that of int8. */
KERNEL int8_t requantize_twice(
    int32_t twice, const struct channel *by, int32_t rounding, int32_t full, const struct range range)
{
    int32_t scaled;

    twice += by->twice_bias;
    if (rounding == ROUND_TWICE) {
        scaled = rounded_upper_word(twice, by->multiplier);
        scaled += scaled >> 31;
    } else {
        scaled = (int32_t)(((int64_t)twice * by->multiplier) >> 32);
    }
    scaled = range.zero + (((scaled >> by->shift) + 1) >> 1);
    return (int8_t)(full ? saturate(scaled) : largest(range.low, least(range.high, scaled)));
}

struct four_sums {
    int32_t first, second, third, fourth;
};

/* Two words of weights, times even and odd elements: two channels' sums of four products each. */
KERNEL void sum_two(uint32_t even, uint32_t odd, uint64_t weights, int32_t apart, int32_t *first, int32_t *second)
{
    const uint32_t at_even = (uint32_t)weights, at_odd = (uint32_t)(weights >> 32);

    *first = two_products(apart ? odd_bytes(0, at_even) : at_even, even, *first);
    *first = two_products(apart ? odd_bytes(0, at_odd) : at_odd, odd, *first);
    *second = two_products(even_bytes(0, at_even), even, *second);
    *second = two_products(even_bytes(0, at_odd), odd, *second);
}

/*
 * Four channels' sums of `words` times four products each, `unrolled` of them in each turn. `pair` is what is added
 * to all of the input, twice; not if it is unsigned. Returns the weights that follow.
 */
KERNEL const int32_t *sum_words(const int8_t *input, const int32_t *weights, int32_t words, int32_t unrolled,
    int32_t apart, uint32_t pair, int32_t is_unsigned, struct four_sums *sums)
{
    const int8_t *const end = input + 4 * words;

    do {
#pragma GCC unroll 2
        for (int32_t i = 0; i < unrolled; ++i) {
            const uint32_t bytes = load_word(input + 4 * i);
            const uint32_t even = is_unsigned ? even_bytes_unsigned(bytes) : even_bytes(pair, bytes);
            const uint32_t odd = is_unsigned ? odd_bytes_unsigned(bytes) : odd_bytes(pair, bytes);

            sum_two(even, odd, *(const two_words *)(weights + 4 * i), apart, &sums->first, &sums->second);
            sum_two(even, odd, *(const two_words *)(weights + 4 * i + 2), apart, &sums->third, &sums->fourth);
        }
        input += 4 * unrolled;
        weights += 4 * unrolled;
    } while (input < end);
    return weights;
}

/* Write up to four channels of the output. */
KERNEL void write_four(const struct four_sums sums, int8_t *output, int32_t count, const struct channel *by,
    int32_t apart, int32_t rounding, int32_t full, const struct range range)
{
    const int32_t first = apart ? sums.first * 2 : (sums.first - sums.second) >> 7;
    const int32_t third = apart ? sums.third * 2 : (sums.third - sums.fourth) >> 7;

    output[0] = requantize_twice(first, by, rounding, full, range);
    if (count > 1) {
        output[1] = requantize_twice(sums.second * 2, by + 1, rounding, full, range);
    }
    if (count > 2) {
        output[2] = requantize_twice(third, by + 2, rounding, full, range);
    }
    if (count > 3) {
        output[3] = requantize_twice(sums.fourth * 2, by + 3, rounding, full, range);
    }
}
