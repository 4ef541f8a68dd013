/*
 * The DSP instructions of Cortex-M4 and later: two products of 16 bits at a time.
 *
 * Four bytes of the input become two pairs of 16 bits, those at even and those at odd places. Weights lie in pairs
 * likewise, and a pair holds two channels: 256 * first + second. One product with it gives 256 sums of the first
 * plus the sum of the second, another with the lower bytes alone gives the second; the generator checks that the
 * first is left. Where it is not, `apart` says that the upper bytes are the first channel's weights themselves.
 *
 * What the network calls "rounded twice" is SMMULR of twice the sum, and a shift. The table `channels` has for each
 * channel the bias, the multiplier, and the bits of the last shift but one.
 */
#include "requantize.c"
#include <arm_acle.h>

typedef struct __attribute__((packed, may_alias)) {
    uint32_t bits;
} unaligned_word;

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

struct channel {
    int32_t bias, multiplier, shift;
};

/* `full` says that the range is that of int8. */
KERNEL int8_t requantize_dsp(
    int32_t sum, const struct channel *by, int32_t rounding, int32_t full, const struct range range)
{
    int32_t scaled;

    if (rounding == ROUND_TWICE) {
        scaled = rounded_upper_word(sum * 2, by->multiplier);
        scaled += scaled >> 31;
    } else {
        scaled = (int32_t)(((int64_t)sum * by->multiplier) >> 32);
    }
    scaled = range.zero + (((scaled >> by->shift) + 1) >> 1);
    return (int8_t)(full ? largest(-128, least(127, scaled)) : largest(range.low, least(range.high, scaled)));
}

struct four_sums {
    int32_t first, second, third, fourth;
};

/* Four channels' sums of `words` times four products each. `pair` is what is added to all of the input, twice. */
KERNEL const uint32_t *sum_words(
    const int8_t *input, const uint32_t *weights, int32_t words, int32_t apart, uint32_t pair, struct four_sums *sums)
{
    const int8_t *const end = input + 4 * words;
    int32_t first = sums->first, second = sums->second, third = sums->third, fourth = sums->fourth;

    do {
        const uint32_t bytes = load_word(input);
        const uint32_t even = even_bytes(pair, bytes);
        const uint32_t odd = odd_bytes(pair, bytes);

        first = two_products(apart ? odd_bytes(0, weights[0]) : weights[0], even, first);
        second = two_products(even_bytes(0, weights[0]), even, second);
        first = two_products(apart ? odd_bytes(0, weights[1]) : weights[1], odd, first);
        second = two_products(even_bytes(0, weights[1]), odd, second);
        third = two_products(apart ? odd_bytes(0, weights[2]) : weights[2], even, third);
        fourth = two_products(even_bytes(0, weights[2]), even, fourth);
        third = two_products(apart ? odd_bytes(0, weights[3]) : weights[3], odd, third);
        fourth = two_products(even_bytes(0, weights[3]), odd, fourth);
        input += 4;
        weights += 4;
    } while (input < end);
    sums->first = first;
    sums->second = second;
    sums->third = third;
    sums->fourth = fourth;
    return weights;
}

/* Write up to four channels of the output. */
KERNEL void write_four(const struct four_sums sums, int8_t *output, int32_t count, const struct channel *by,
    int32_t apart, int32_t rounding, int32_t full, const struct range range)
{
    const int32_t first = apart ? sums.first : (sums.first - sums.second) >> 8;
    const int32_t third = apart ? sums.third : (sums.third - sums.fourth) >> 8;

    output[0] = requantize_dsp(first + by[0].bias, by, rounding, full, range);
    if (count > 1) {
        output[1] = requantize_dsp(sums.second + by[1].bias, by + 1, rounding, full, range);
    }
    if (count > 2) {
        output[2] = requantize_dsp(third + by[2].bias, by + 2, rounding, full, range);
    }
    if (count > 3) {
        output[3] = requantize_dsp(sums.fourth + by[3].bias, by + 3, rounding, full, range);
    }
}
