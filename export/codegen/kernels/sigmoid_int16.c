/*
 * LOGISTIC and TANH of 16-bit elements: tanh(x) is 2 / (1 + exp(-2 x)) - 1.
 *
 * `sigmoids` are 1 / (1 + exp(-i / 24)) with 16 fraction bits; between them lies a line.
 */
#include "requantize.c"

struct sigmoid_int16 {
    int32_t size;
    int32_t bits; /* between two entries of the table: 9, or 8 for TANH */
};

/* The function of a number that has `bits` bits after the table's index. */
KERNEL int32_t sigmoid_of(int32_t value, int32_t bits, const uint16_t *sigmoids)
{
    const uint32_t size = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    const uint32_t index = size >> bits;

    if (index >= 255) {
        return bits == 9 ? 0x7fff * 1024 : 0xffff * 256;
    }
    return (int32_t)(((uint32_t)sigmoids[index] << bits)
        + (size & ((1u << bits) - 1u)) * (uint32_t)(sigmoids[index + 1] - sigmoids[index]));
}

KERNEL void sigmoid_int16(const struct sigmoid_int16 s, const int16_t *input, int16_t *output,
    const uint16_t *sigmoids, int32_t multiplier, int32_t shift)
{
    const int32_t half = shift > 0 ? 1 << (shift - 1) : 0;

    for (int32_t i = 0; i < s.size; ++i) {
        const int32_t value = (input[i] * multiplier + half) >> shift;
        const int32_t found = sigmoid_of(value, s.bits, sigmoids);

        if (s.bits == 9) {
            output[i] = (int16_t)((value >= 0 ? found + 512 : 33554432 - found + 511) >> 10);
        } else {
            output[i] = (int16_t)((value >= 0 ? found - 8388608 + 128 : 8388608 - found + 127) >> 8);
        }
    }
}
