/*
 * SOFTMAX: in gemmlowp's fixed point, with a table of the exponentials.
 *
 * `exponentials` holds exp(-scale * beta * difference) with 31 fraction bits. The sum has 19 fraction bits. All
 * numbers are positive but the corrections in reciprocal(), so that a rounded shift is an addition and a shift.
 */
#include "requantize.c"

struct softmax {
    int32_t rows, classes;
};

/* 2^62 / value, for 2^31 <= value < 2^32: three steps of Newton and Raphson from 48/17 - 32/17 * half. */
KERNEL int32_t reciprocal(uint32_t value)
{
    const int32_t half = (int32_t)(value >> 1);
    int32_t estimate = 1515870810 + high_product(half, -1010580540);

    for (int32_t i = 0; i < 3; ++i) {
        estimate += high_product(estimate, ((int32_t)1 << 29) - high_product(half, estimate)) * 4;
    }
    return estimate < (int32_t)1 << 30 ? estimate * 2 : INT32_MAX;
}

KERNEL void softmax(const struct softmax s, const int8_t *input, int8_t *output, const int32_t *exponentials)
{
    for (int32_t row = 0; row < s.rows; ++row) {
        int32_t most = input[0];
        uint32_t sum = 0;
        int32_t shift = 35;
        int32_t inverse;

        for (int32_t i = 1; i < s.classes; ++i) {
            most = largest(most, input[i]);
        }
        for (int32_t i = 0; i < s.classes; ++i) {
            sum += ((uint32_t)exponentials[most - input[i]] + 2048u) >> 12;
        }
        for (; sum < 0x80000000u; sum <<= 1) {
            --shift;
        }
        inverse = reciprocal(sum);
        for (int32_t i = 0; i < s.classes; ++i) {
            const int32_t share = high_product(exponentials[most - input[i]], inverse);
            const int32_t value = (int32_t)((share + ((int64_t)1 << (shift - 1))) >> shift);

            output[i] = (int8_t)(least(value, 255) - 128);
        }
        input += s.classes;
        output += s.classes;
    }
}
