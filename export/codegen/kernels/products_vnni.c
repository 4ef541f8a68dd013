/*
 * Elements of an output by one product each (AVX-512 IFMA): see `variants/_products.py`.
 *
 * What follows the sums is [channels / 16][6][16]: the bias with the lift, what is added to elements, the lift, the
 * bits of the second shift, and the factors, 64 bits each, of the even channels and of the odd ones.
 */
#include "requantize.c"
#include <immintrin.h>

enum { CHANNELS_VNNI = 16, AFTER_VNNI = 6 * 16 };

struct products_vnni {
    __m512i even_rest, odd_rest, lift, bits, even, odd;
};

KERNEL struct products_vnni products_vnni(const int32_t *after)
{
    const __m512i rest = _mm512_loadu_si512(after + 16);
    const struct products_vnni by = { rest, _mm512_srli_epi64(rest, 32), _mm512_loadu_si512(after + 32),
        _mm512_loadu_si512(after + 48), _mm512_loadu_si512(after + 64), _mm512_loadu_si512(after + 80) };

    return by;
}

/*
 * Adds products of four bytes to sums. GCC 12 keeps sums of a loop twice, and half of them in memory then, unless it
 * is told that they change here.
 */
KERNEL __m512i dot_vnni(__m512i sums, __m512i values, __m512i weights)
{
    sums = _mm512_dpbusd_epi32(sums, values, weights);
    __asm__("" : "+v"(sums));
    return sums;
}

/* The elements of sixteen channels, not cut off yet. */
KERNEL __m512i elements_vnni(__m512i sums, const struct products_vnni by, int32_t by_sign)
{
    const __m512i even = _mm512_madd52hi_epu64(by.even_rest, _mm512_maskz_mov_epi32(0x5555, sums), by.even);
    const __m512i odd = _mm512_madd52hi_epu64(by.odd_rest, _mm512_srli_epi64(sums, 32), by.odd);
    const __m512i all = _mm512_mask_shuffle_epi32(even, 0xAAAA, odd, _MM_PERM_CCAA);

    if (by_sign) {
        const __mmask16 below = _mm512_cmplt_epi32_mask(sums, by.lift);

        return _mm512_srav_epi32(_mm512_mask_sub_epi32(all, below, all, _mm512_set1_epi32(1)), by.bits);
    }
    return all;
}

/* Four times sixteen elements as bytes, within the range. */
KERNEL __m512i bytes_vnni(const __m512i elements[4], const struct range range)
{
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i bytes = _mm512_packs_epi16(
        _mm512_packs_epi32(elements[0], elements[1]), _mm512_packs_epi32(elements[2], elements[3]));
    const __m512i cut = _mm512_max_epi8(
        _mm512_min_epi8(bytes, _mm512_set1_epi8((char)range.high)), _mm512_set1_epi8((char)range.low));

    return _mm512_permutexvar_epi32(order, cut);
}

/* Writes sixteen bytes, or the first `count` of them. */
KERNEL void write_vnni(int8_t *output, int32_t count, __m128i bytes)
{
    if (count >= CHANNELS_VNNI) {
        _mm_storeu_si128((void *)output, bytes);
    } else {
        _mm_mask_storeu_epi8(output, (__mmask16)((1u << count) - 1u), bytes);
    }
}
