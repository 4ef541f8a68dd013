/* ADD and SUB of two tensors of the same shape, eight elements at once (AVX2); those left over as in plain C. */
#include "add.c"
#include "vectors_avx2.c"

KERNEL __m256i addends_avx2(const int8_t *values, const struct addend by)
{
    const __m256i wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)values));
    const __m256i shifted = _mm256_slli_epi32(_mm256_add_epi32(wide, _mm256_set1_epi32(by.offset)), 20);

    return scale_avx2(shifted, _mm256_set1_epi32(by.multiplier), _mm256_set1_epi32(-by.exponent), ROUND_TWICE_ANY);
}

KERNEL void add_avx2(const struct add s, const int8_t *left, const int8_t *right, int8_t *output,
    const struct addend first, const struct addend second, int32_t multiplier, int32_t exponent,
    const struct range range)
{
    int32_t i = 0;

    for (; i + LANES_AVX2 <= s.size3; i += LANES_AVX2) {
        const __m256i a = addends_avx2(left + i, first);
        const __m256i b = addends_avx2(right + i, second);

        requantize_avx2(output + i, LANES_AVX2, s.sign > 0 ? _mm256_add_epi32(a, b) : _mm256_sub_epi32(a, b),
            _mm256_set1_epi32(multiplier), _mm256_set1_epi32(-exponent), s.output_rounding, range);
    }
    for (; i < s.size3; ++i) {
        const int32_t sum = add_scaled(left[i], first) + s.sign * add_scaled(right[i], second);

        output[i] = requantize(sum, multiplier, exponent, s.output_rounding, range);
    }
}
