/*
 * ADD and SUB of two tensors of the same shape as a linear function of pairs of bytes (AVX2): see
 * `variants/_addition.py`.
 */
#include "add.c"
#include <immintrin.h>

struct linear_avx2 {
    __m256i low, high, start, bits;
};

/* Eight elements without what is added to all of them. */
KERNEL __m256i linear_avx2(__m256i pairs, const struct linear_avx2 by)
{
    const __m256i low = _mm256_srai_epi32(_mm256_add_epi32(by.start, _mm256_madd_epi16(pairs, by.low)), 15);

    return _mm256_srav_epi32(_mm256_add_epi32(low, _mm256_madd_epi16(pairs, by.high)), by.bits);
}

/* Sixteen elements as bytes. */
KERNEL __m128i sums_avx2(__m128i left, __m128i right, const struct linear_avx2 by, __m256i rest, const struct range range)
{
    const __m256i a = _mm256_cvtepi8_epi16(left);
    const __m256i b = _mm256_cvtepi8_epi16(right);
    const __m256i sums = _mm256_adds_epi16(rest, _mm256_packs_epi32(linear_avx2(_mm256_unpacklo_epi16(a, b), by),
        linear_avx2(_mm256_unpackhi_epi16(a, b), by)));
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));

    return _mm_max_epi8(_mm_set1_epi8((char)range.low), _mm_min_epi8(_mm_set1_epi8((char)range.high), bytes));
}

KERNEL void add_avx2(const struct add s, const int8_t *left, const int8_t *right, int8_t *output,
    const int32_t *linear, const struct range range)
{
    const struct linear_avx2 by = { _mm256_set1_epi32(linear[0]), _mm256_set1_epi32(linear[1]),
        _mm256_set1_epi32(linear[2]), _mm256_set1_epi32(linear[3]) };
    const __m256i rest = _mm256_set1_epi16((int16_t)linear[4]);
    int32_t i = 0;

    for (; i + 16 <= s.size3; i += 16) {
        const __m128i a = _mm_loadu_si128((const void *)(left + i));
        const __m128i b = _mm_loadu_si128((const void *)(right + i));

        _mm_storeu_si128((void *)(output + i), sums_avx2(a, b, by, rest, range));
    }
    if (s.size3 % 16 > 0) {
        int8_t a[16] = { 0 }, b[16] = { 0 };

        for (int32_t j = i; j < s.size3; ++j) {
            a[j - i] = left[j];
            b[j - i] = right[j];
        }
        _mm_storeu_si128((void *)a, sums_avx2(_mm_loadu_si128((const void *)a), _mm_loadu_si128((const void *)b), by,
            rest, range));
        for (int32_t j = i; j < s.size3; ++j) {
            output[j] = a[j - i];
        }
    }
}
