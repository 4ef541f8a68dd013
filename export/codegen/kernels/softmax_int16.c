/*
 * SOFTMAX of 16-bit elements, by two tables: exp(x) for -10 to 0, and 1 / (1 + x) for 0 to 1, 15 fraction bits each.
 *
 * The exponentials lie in the output until it is written. Their sum has 15 fraction bits too.
 */
#include "interpolate.c"
#include "requantize.c"

struct softmax_int16 {
    int32_t rows, classes;
};

KERNEL void softmax_int16(const struct softmax_int16 s, const int16_t *input, int16_t *output,
    const int16_t *exponentials, const int16_t *reciprocals, int32_t multiplier, int32_t exponent)
{
    for (int32_t row = 0; row < s.rows; ++row) {
        int32_t most = -32768, shift = 30;
        int32_t inverse;
        uint32_t sum = 0;

        for (int32_t i = 0; i < s.classes; ++i) {
            most = largest(most, input[i]);
        }
        for (int32_t i = 0; i < s.classes; ++i) {
            const int32_t difference = scale(input[i] - most, multiplier, exponent, ROUND_TWICE_ANY);
            const int32_t found = interpolate(exponentials, largest(-65535, least(0, difference)) + 32767);

            output[i] = (int16_t)found;
            sum += (uint32_t)found;
        }
        for (; sum < 0x40000000u; sum <<= 1) {
            --shift;
        }
        inverse = (int32_t)((sum + (1 << 13)) >> 14) - 98304;
        inverse = interpolate(reciprocals, least(inverse, 32767));
        for (int32_t i = 0; i < s.classes; ++i) {
            const int32_t share = (output[i] * inverse + (1 << (shift - 1))) >> shift;

            output[i] = (int16_t)largest(0, least(32767, share));
        }
        input += s.classes;
        output += s.classes;
    }
}
