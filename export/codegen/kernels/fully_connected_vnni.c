/*
 * FULLY_CONNECTED by dot products of four bytes (AVX-512 VNNI).
 *
 * The weights are [outputs / 128][inputs / 4][8][16][4], with fewer vectors of 16 in the last block, filled up with
 * zeros. `scratch` holds the fours that are not all 0, for others are passed over, and their places.
 */
#include "fully_connected.c"
#include "fours_x86.c"
#include "vectors_vnni.c"

KERNEL void fully_connected_block_vnni(const struct fully_connected s, int32_t vectors, int32_t first,
    const int32_t *fours, const int32_t *places, int32_t count, int8_t *output, const int8_t *weights,
    const int32_t *bias, const int32_t *multiplier, const int32_t *bits, const struct range range)
{
    __m512i sums[8];

#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        sums[v] = _mm512_loadu_si512(bias + first + v * LANES_VNNI);
    }
    for (int32_t i = 0; i < count; ++i) {
        const __m512i values = _mm512_set1_epi32(fours[i]);
        const int8_t *row = weights + places[i] * vectors * 64;

#pragma GCC unroll 8
        for (int32_t v = 0; v < vectors; ++v) {
            sums[v] = _mm512_dpbusd_epi32(sums[v], values, _mm512_loadu_si512(row + v * 64));
        }
    }
#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        const int32_t channel = first + v * LANES_VNNI;

        requantize_vnni(output + channel, s.outputs - channel, sums[v], _mm512_loadu_si512(multiplier + channel),
            _mm512_loadu_si512(bits + channel), s.rounding, range);
    }
}

KERNEL void sums_of_rows_vnni(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits,
    const struct range range, int32_t is_unsigned, uint8_t *scratch)
{
    const int32_t all = (s.inputs + 3) / 4;
    const int32_t whole = (s.outputs + LANES_VNNI - 1) / LANES_VNNI;
    int32_t *const fours = (void *)scratch;
    int32_t *const places = fours + all;

    for (int32_t batch = 0; batch < s.batches; ++batch) {
        const int32_t count = fours_of(input, s.inputs, is_unsigned, fours, places);
        int32_t v = 0;

        for (; v + 8 <= whole; v += 8) {
            fully_connected_block_vnni(s, 8, v * LANES_VNNI, fours, places, count, output, weights + v * all * 64,
                bias, multiplier, bits, range);
        }
        if (whole % 8 > 0) {
            fully_connected_block_vnni(s, whole % 8, v * LANES_VNNI, fours, places, count, output,
                weights + v * all * 64, bias, multiplier, bits, range);
        }
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected_vnni(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits,
    const struct range range, uint8_t *scratch)
{
    sums_of_rows_vnni(s, input, output, weights, bias, multiplier, bits, range, 0, scratch);
}
