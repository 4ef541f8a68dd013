/*
 * FULLY_CONNECTED by dot products of four bytes (AVX-512 VNNI).
 *
 * The weights are [outputs / 16][inputs / 4][16][4], filled up with zeros. An input with a sign goes in plus 128,
 * which is part of the bias.
 */
#include "fully_connected.c"
#include "vectors_vnni.c"

KERNEL void fully_connected_block_vnni(const struct fully_connected s, int32_t vectors, int32_t output_first,
    const int8_t *input, int8_t *output, const int8_t *weights, const int32_t *bias, const int32_t *multiplier,
    const int32_t *bits, const struct range range, int32_t is_unsigned)
{
    const int32_t quads = (s.inputs + 3) / 4;
    const __m512i plus_128 = _mm512_set1_epi8((char)-128);
    __m512i sums[8];

#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        sums[v] = _mm512_loadu_si512(bias + output_first + v * LANES_VNNI);
    }
    weights += output_first * quads * 4;
    for (int32_t q = 0; q < quads; ++q) {
        int32_t four = 0;
        __m512i values;

        if (4 * q + 4 <= s.inputs) {
            four = *(const unaligned_int32 *)(input + 4 * q);
        } else {
            for (int32_t i = 0; i < s.inputs % 4; ++i) {
                four |= (int32_t)((uint32_t)(uint8_t)input[4 * q + i] << (8 * i));
            }
        }
        values = _mm512_set1_epi32(four);
        if (!is_unsigned) {
            values = _mm512_xor_si512(values, plus_128);
        }
#pragma GCC unroll 8
        for (int32_t v = 0; v < vectors; ++v) {
            sums[v] = _mm512_dpbusd_epi32(sums[v], values, _mm512_loadu_si512(weights + (v * quads + q) * 64));
        }
    }
#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        const int32_t first = output_first + v * LANES_VNNI;

        requantize_vnni(output + first, s.outputs - first, sums[v], _mm512_loadu_si512(multiplier + first),
            _mm512_loadu_si512(bits + first), s.rounding, range);
    }
}

KERNEL void sums_of_rows_vnni(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits,
    const struct range range, int32_t is_unsigned)
{
    const int32_t whole = (s.outputs + LANES_VNNI - 1) / LANES_VNNI;

    for (int32_t batch = 0; batch < s.batches; ++batch) {
        int32_t v = 0;

        for (; v + 8 <= whole; v += 8) {
            fully_connected_block_vnni(
                s, 8, v * LANES_VNNI, input, output, weights, bias, multiplier, bits, range, is_unsigned);
        }
        if (whole % 8 > 0) {
            fully_connected_block_vnni(
                s, whole % 8, v * LANES_VNNI, input, output, weights, bias, multiplier, bits, range, is_unsigned);
        }
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected_vnni(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits,
    const struct range range)
{
    sums_of_rows_vnni(s, input, output, weights, bias, multiplier, bits, range, 0);
}
