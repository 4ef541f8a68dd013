/* ADD and SUB of two tensors of the same shape, sixteen elements at once (AVX-512). */
#include "add.c"
#include "vectors_vnni.c"

KERNEL __m512i addends_vnni(const int8_t *values, __mmask16 kept, const struct addend by)
{
    const __m512i wide = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(kept, values));
    const __m512i shifted = _mm512_slli_epi32(_mm512_add_epi32(wide, _mm512_set1_epi32(by.offset)), 20);

    return scale_vnni(shifted, _mm512_set1_epi32(by.multiplier), _mm512_set1_epi32(-by.exponent), ROUND_TWICE_ANY);
}

KERNEL void add_vnni(const struct add s, const int8_t *left, const int8_t *right, int8_t *output,
    const struct addend first, const struct addend second, int32_t multiplier, int32_t exponent,
    const struct range range)
{
    for (int32_t i = 0; i < s.size3; i += LANES_VNNI) {
        const int32_t count = s.size3 - i;
        const __mmask16 kept = (__mmask16)(count >= LANES_VNNI ? 0xFFFFu : (1u << count) - 1u);
        const __m512i a = addends_vnni(left + i, kept, first);
        const __m512i b = addends_vnni(right + i, kept, second);

        requantize_vnni(output + i, count, s.sign > 0 ? _mm512_add_epi32(a, b) : _mm512_sub_epi32(a, b),
            _mm512_set1_epi32(multiplier), _mm512_set1_epi32(-exponent), s.output_rounding, range);
    }
}
