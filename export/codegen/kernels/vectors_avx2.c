/* AVX2: eight sums at once. Sums must stay below 2^30, which the generator checks. */
#include "requantize.c"
#include <immintrin.h>

typedef int32_t pair_avx2 __attribute__((aligned(1), may_alias));

enum { LANES_AVX2 = 8 };

KERNEL __m256i load_avx2(const void *from)
{
    return _mm256_loadu_si256(from);
}

/* (product + half) >> bits for numbers of 64 bits, the low 32 bits of it: AVX2 shifts in zeros only. */
KERNEL __m256i shift_avx2(__m256i product, __m256i half, __m256i bits)
{
    const __m256i far = _mm256_set1_epi64x((int64_t)1 << 62);
    const __m256i sum = _mm256_add_epi64(_mm256_add_epi64(product, half), far);

    return _mm256_sub_epi64(_mm256_srlv_epi64(sum, bits), _mm256_srlv_epi64(far, bits));
}

/* scale() of eight sums; `bits` are -exponent. */
KERNEL __m256i scale_avx2(__m256i sums, __m256i multiplier, __m256i bits, int32_t rounding)
{
    const __m256i even = _mm256_mul_epi32(sums, multiplier);
    const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(multiplier, 32));

    if (rounding == ROUND_TWICE || rounding == ROUND_TWICE_ANY) {
        const __m256i nudge = _mm256_set1_epi64x((int64_t)1 << 30);
        const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(_mm256_add_epi64(even, nudge), 31),
            _mm256_slli_epi64(_mm256_add_epi64(odd, nudge), 1), 0xAA);
        const __m256i half = _mm256_srli_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), bits), 1);
        const __m256i away = _mm256_and_si256(
            _mm256_srai_epi32(high, 31), _mm256_cmpgt_epi32(bits, _mm256_setzero_si256()));

        return _mm256_srav_epi32(_mm256_add_epi32(_mm256_add_epi32(high, half), away), bits);
    }
    {
        const __m256i down = _mm256_set1_epi64x(rounding == ROUND_ONCE_BELOW);
        const __m256i thirty_one = _mm256_set1_epi64x(31);
        const __m256i first = _mm256_add_epi64(thirty_one, _mm256_and_si256(bits, _mm256_set1_epi64x(0xFFFFFFFF)));
        const __m256i second = _mm256_add_epi64(thirty_one, _mm256_srli_epi64(bits, 32));
        const __m256i one = _mm256_set1_epi64x(1);
        const __m256i half_first = _mm256_sub_epi64(_mm256_sllv_epi64(one, _mm256_sub_epi64(first, one)), down);
        const __m256i half_second = _mm256_sub_epi64(_mm256_sllv_epi64(one, _mm256_sub_epi64(second, one)), down);

        return _mm256_blend_epi32(shift_avx2(even, half_first, first),
            _mm256_slli_epi64(shift_avx2(odd, half_second, second), 32), 0xAA);
    }
}

/* Writes the elements of an output for eight sums, or for the first `count` of them. */
KERNEL void requantize_avx2(int8_t *output, int32_t count, __m256i sums, __m256i multiplier, __m256i bits,
    int32_t rounding, const struct range range)
{
    const __m256i scaled = scale_avx2(sums, multiplier, bits, rounding);
    const __m256i cut = _mm256_max_epi32(_mm256_set1_epi32(range.low - range.zero),
        _mm256_min_epi32(_mm256_set1_epi32(range.high - range.zero), scaled));
    const __m256i values = _mm256_add_epi32(cut, _mm256_set1_epi32(range.zero));
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
    int64_t bytes = _mm_cvtsi128_si64(_mm_packs_epi16(words, words));

    if (count >= LANES_AVX2) {
        _mm_storel_epi64((void *)output, _mm_packs_epi16(words, words));
        return;
    }
    for (int32_t i = 0; i < count; ++i) {
        output[i] = (int8_t)bytes;
        bytes >>= 8;
    }
}
