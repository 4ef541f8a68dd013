/*
 * FULLY_CONNECTED by dot products of two numbers of 16 bits (AVX2); the weights stay bytes until they are used.
 *
 * The weights are [outputs / 64][inputs / 2][8][8][2], with fewer vectors of 8 in the last block, filled up with zeros.
 * Pairs of inputs that are both the zero point are passed over: `scratch` holds the numbers of the others.
 */
#include "fully_connected.c"
#include "vectors_avx2.c"

KERNEL void fully_connected_block_avx2(const struct fully_connected s, int32_t vectors, int32_t first,
    const int32_t *pairs, const int32_t *places, int32_t count, int8_t *output, const int8_t *weights,
    const int32_t *bias, const int32_t *multiplier, const int32_t *bits, const struct range range)
{
    __m256i sums[8];

#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        sums[v] = load_avx2(bias + first + v * LANES_AVX2);
    }
    for (int32_t i = 0; i < count; ++i) {
        const __m256i values = _mm256_set1_epi32(pairs[i]);
        const int8_t *row = weights + places[i] * vectors * 16;

#pragma GCC unroll 8
        for (int32_t v = 0; v < vectors; ++v) {
            const __m256i w = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(row + v * 16)));

            sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(values, w));
        }
    }
#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        const int32_t channel = first + v * LANES_AVX2;

        requantize_avx2(output + channel, s.outputs - channel, sums[v], load_avx2(multiplier + channel),
            load_avx2(bits + channel), s.rounding, range);
    }
}

KERNEL void sums_of_rows_avx2(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits, const int32_t *zero,
    const struct range range, int32_t is_unsigned, uint8_t *scratch)
{
    const int32_t all = (s.inputs + 1) / 2;
    const int32_t whole = (s.outputs + LANES_AVX2 - 1) / LANES_AVX2;
    int32_t *const pairs = (void *)scratch;
    int32_t *const places = pairs + all;

    for (int32_t batch = 0; batch < s.batches; ++batch) {
        int32_t count = 0;
        int32_t v = 0;

        for (int32_t i = 0; i < all; ++i) {
            const int32_t low = element(input + 2 * i, is_unsigned) - zero[0];
            const int32_t high = 2 * i + 1 < s.inputs ? element(input + 2 * i + 1, is_unsigned) - zero[0] : 0;

            pairs[count] = (int32_t)((uint32_t)high << 16 | ((uint32_t)low & 0xFFFFu));
            places[count] = i;
            count += (low | high) != 0;
        }
        for (; v + 8 <= whole; v += 8) {
            fully_connected_block_avx2(s, 8, v * LANES_AVX2, pairs, places, count, output,
                weights + v * all * 16, bias, multiplier, bits, range);
        }
        if (whole % 8 > 0) {
            fully_connected_block_avx2(s, whole % 8, v * LANES_AVX2, pairs, places, count, output,
                weights + v * all * 16, bias, multiplier, bits, range);
        }
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected_avx2(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits, const int32_t *zero,
    const struct range range, uint8_t *scratch)
{
    sums_of_rows_avx2(s, input, output, weights, bias, multiplier, bits, zero, range, 0, scratch);
}
