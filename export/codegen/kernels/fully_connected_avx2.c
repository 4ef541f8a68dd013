/*
 * FULLY_CONNECTED by dot products of bytes (AVX2).
 *
 * The weights are [outputs / 64][inputs / 4][8][8][4], with fewer vectors of 8 in the last block, filled up with zeros.
 * An instruction adds two products of a byte without a sign and one with a sign, as far as 16 bits hold them. Where
 * many fours of inputs are 0, `scratch` holds the others and their places; their halves and what halves lose are two
 * such factors. Else the inputs go in less 128, their signs given to the weights, which takes fewer instructions:
 * `bias_less` is the bias then. No weight is -128 there; the generator sees to it with `most_fours`.
 */
#include "fully_connected.c"
#include "fours_x86.c"
#include "vectors_avx2.c"

struct fully_connected_avx2 {
    int32_t batches;
    int32_t inputs, outputs;
    int32_t rounding;
    int32_t most_fours; /* other than 0, for which it is quicker to pass over the rest */
};

enum { HALF_AVX2 = 4, ODDS_AVX2 = 128 };

/* Add the products of fours, and of the weights of at most 4 vectors, of which a four has `row` bytes. */
KERNEL void sum_some_avx2(__m256i *sums, int32_t vectors, const int32_t *fours, const int32_t *places, int32_t count,
    const int8_t *weights, int32_t row)
{
    const __m256i twos = _mm256_set1_epi16(2), ones = _mm256_set1_epi16(1);

    for (int32_t begin = 0; begin < count; begin += ODDS_AVX2) {
        const int32_t end = least(begin + ODDS_AVX2, count); /* so many fit 16 bits */
        __m256i odds[HALF_AVX2];

#pragma GCC unroll 4
        for (int32_t v = 0; v < vectors; ++v) {
            odds[v] = _mm256_setzero_si256();
        }
        for (int32_t i = begin; i < end; ++i) {
            const __m256i half = _mm256_set1_epi32((int32_t)((uint32_t)fours[i] >> 1 & 0x7F7F7F7Fu));
            const __m256i odd = _mm256_set1_epi32(fours[i] & 0x01010101);

#pragma GCC unroll 4
            for (int32_t v = 0; v < vectors; ++v) {
                const __m256i w = load_avx2(weights + places[i] * row + v * 32);

                sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(_mm256_maddubs_epi16(half, w), twos));
                odds[v] = _mm256_add_epi16(odds[v], _mm256_maddubs_epi16(odd, w));
            }
        }
#pragma GCC unroll 4
        for (int32_t v = 0; v < vectors; ++v) {
            sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(odds[v], ones));
        }
    }
}

/* Add the products of all inputs less 128. */
KERNEL void sum_all_avx2(__m256i *sums, int32_t vectors, const int8_t *input, int32_t inputs, const int8_t *weights,
    int32_t is_unsigned)
{
    const __m256i ones = _mm256_set1_epi16(1);

    for (int32_t i = 0; i < (inputs + 3) / 4; ++i) {
        const __m256i four = _mm256_set1_epi32(four_at(input, i, inputs, !is_unsigned));
        const __m256i size = _mm256_abs_epi8(four);

#pragma GCC unroll 8
        for (int32_t v = 0; v < vectors; ++v) {
            const __m256i w = _mm256_sign_epi8(load_avx2(weights + v * 32), four);

            sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(_mm256_maddubs_epi16(size, w), ones));
        }
        weights += vectors * 32;
    }
}

KERNEL void fully_connected_block_avx2(const struct fully_connected_avx2 s, int32_t vectors, int32_t first,
    const int8_t *input, const int32_t *fours, const int32_t *places, int32_t count, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *bias_less, const int32_t *multiplier,
    const int32_t *bits, const struct range range, int32_t is_unsigned)
{
    const int32_t *const from = (count > s.most_fours ? bias_less : bias) + first;
    __m256i sums[8];

#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        sums[v] = load_avx2(from + v * LANES_AVX2);
    }
    if (count > s.most_fours) {
        sum_all_avx2(sums, vectors, input, s.inputs, weights, is_unsigned);
    } else {
        sum_some_avx2(sums, least(vectors, HALF_AVX2), fours, places, count, weights, vectors * 32);
        if (vectors > HALF_AVX2) {
            sum_some_avx2(sums + HALF_AVX2, vectors - HALF_AVX2, fours, places, count, weights + HALF_AVX2 * 32,
                vectors * 32);
        }
    }
#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        const int32_t channel = first + v * LANES_AVX2;

        requantize_avx2(output + channel, s.outputs - channel, sums[v], load_avx2(multiplier + channel),
            load_avx2(bits + channel), s.rounding, range);
    }
}

KERNEL void sums_of_rows_avx2(const struct fully_connected_avx2 s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *bias_less, const int32_t *multiplier,
    const int32_t *bits, const struct range range, int32_t is_unsigned, uint8_t *scratch)
{
    const int32_t all = (s.inputs + 3) / 4;
    const int32_t whole = (s.outputs + LANES_AVX2 - 1) / LANES_AVX2;
    int32_t *const fours = (void *)scratch;
    int32_t *const places = fours + all;

    for (int32_t batch = 0; batch < s.batches; ++batch) {
        int32_t count = count_fours(input, s.inputs, is_unsigned);
        int32_t v = 0;

        if (count <= s.most_fours) {
            count = fours_of(input, s.inputs, is_unsigned, fours, places);
        }
        for (; v + 8 <= whole; v += 8) {
            fully_connected_block_avx2(s, 8, v * LANES_AVX2, input, fours, places, count, output,
                weights + v * all * 32, bias, bias_less, multiplier, bits, range, is_unsigned);
        }
        if (whole % 8 > 0) {
            fully_connected_block_avx2(s, whole % 8, v * LANES_AVX2, input, fours, places, count, output,
                weights + v * all * 32, bias, bias_less, multiplier, bits, range, is_unsigned);
        }
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected_avx2(const struct fully_connected_avx2 s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *bias_less, const int32_t *multiplier,
    const int32_t *bits, const struct range range, uint8_t *scratch)
{
    sums_of_rows_avx2(s, input, output, weights, bias, bias_less, multiplier, bits, range, 0, scratch);
}
