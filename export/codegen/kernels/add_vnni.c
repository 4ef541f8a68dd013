/*
 * ADD and SUB of two tensors of the same shape as a linear function of pairs of bytes (AVX-512 VNNI): see
 * `variants/_addition.py`.
 */
#include "add.c"
#include <immintrin.h>

struct linear_vnni {
    __m512i low, high, start, bits;
};

/* Sixteen elements without what is added to all of them. */
KERNEL __m512i linear_vnni(__m512i pairs, const struct linear_vnni by)
{
    const __m512i low = _mm512_srai_epi32(_mm512_dpwssd_epi32(by.start, pairs, by.low), 15);

    return _mm512_srav_epi32(_mm512_dpwssd_epi32(low, pairs, by.high), by.bits);
}

/* 32 elements in 16 bits. */
KERNEL __m512i half_sums_vnni(__m256i left, __m256i right, const struct linear_vnni by, __m512i rest)
{
    const __m512i a = _mm512_cvtepi8_epi16(left);
    const __m512i b = _mm512_cvtepi8_epi16(right);

    return _mm512_adds_epi16(rest, _mm512_packs_epi32(linear_vnni(_mm512_unpacklo_epi16(a, b), by),
        linear_vnni(_mm512_unpackhi_epi16(a, b), by)));
}

KERNEL void add_vnni(const struct add s, const int8_t *left, const int8_t *right, int8_t *output,
    const int32_t *linear, const struct range range)
{
    const struct linear_vnni by = { _mm512_set1_epi32(linear[0]), _mm512_set1_epi32(linear[1]),
        _mm512_set1_epi32(linear[2]), _mm512_set1_epi32(linear[3]) };
    const __m512i rest = _mm512_set1_epi16((int16_t)linear[4]);

    for (int32_t i = 0; i < s.size3; i += 64) {
        const __mmask64 kept = s.size3 - i >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (s.size3 - i)) - 1;
        const __m512i a = _mm512_maskz_loadu_epi8(kept, left + i);
        const __m512i b = _mm512_maskz_loadu_epi8(kept, right + i);
        const __m512i sums = _mm512_packs_epi16(
            half_sums_vnni(_mm512_castsi512_si256(a), _mm512_castsi512_si256(b), by, rest),
            half_sums_vnni(_mm512_extracti64x4_epi64(a, 1), _mm512_extracti64x4_epi64(b, 1), by, rest));
        const __m512i bytes = _mm512_permutexvar_epi64(_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), sums);

        _mm512_mask_storeu_epi8(output + i, kept, _mm512_max_epi8(_mm512_set1_epi8((char)range.low),
            _mm512_min_epi8(_mm512_set1_epi8((char)range.high), bytes)));
    }
}
