/* AVX-512: sixteen sums at once. Sums must stay below 2^30, which the generator checks. */
#include "requantize.c"
#include <immintrin.h>

typedef int32_t unaligned_int32 __attribute__((aligned(1), may_alias));

enum { LANES_VNNI = 16 };

/* scale() of sixteen sums; `bits` are -exponent. */
KERNEL __m512i scale_vnni(__m512i sums, __m512i multiplier, __m512i bits, int32_t rounding)
{
    const __m512i even = _mm512_mul_epi32(sums, multiplier);
    const __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(sums, 32), _mm512_srli_epi64(multiplier, 32));

    if (rounding == ROUND_TWICE || rounding == ROUND_TWICE_ANY) {
        const __m512i nudge = _mm512_set1_epi64((int64_t)1 << 30);
        const __m512i high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(_mm512_add_epi64(even, nudge), 31),
            _mm512_slli_epi64(_mm512_add_epi64(odd, nudge), 1));
        const __m512i half = _mm512_srli_epi32(_mm512_sllv_epi32(_mm512_set1_epi32(1), bits), 1);
        const __m512i away = _mm512_and_si512(
            _mm512_srai_epi32(high, 31), _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_min_epi32(bits, _mm512_set1_epi32(1))));

        return _mm512_srav_epi32(_mm512_add_epi32(_mm512_add_epi32(high, half), away), bits);
    }
    {
        const __m512i down = _mm512_set1_epi64(rounding == ROUND_ONCE_BELOW);
        const __m512i thirty_one = _mm512_set1_epi64(31);
        const __m512i first = _mm512_add_epi64(thirty_one, _mm512_and_si512(bits, _mm512_set1_epi64(0xFFFFFFFF)));
        const __m512i second = _mm512_add_epi64(thirty_one, _mm512_srli_epi64(bits, 32));
        const __m512i one = _mm512_set1_epi64(1);
        const __m512i half_first = _mm512_sub_epi64(_mm512_sllv_epi64(one, _mm512_sub_epi64(first, one)), down);
        const __m512i half_second = _mm512_sub_epi64(_mm512_sllv_epi64(one, _mm512_sub_epi64(second, one)), down);

        return _mm512_mask_blend_epi32(0xAAAA, _mm512_srav_epi64(_mm512_add_epi64(even, half_first), first),
            _mm512_slli_epi64(_mm512_srav_epi64(_mm512_add_epi64(odd, half_second), second), 32));
    }
}

/* Writes the elements of an output for sixteen sums, or for the first `count` of them. */
KERNEL void requantize_vnni(int8_t *output, int32_t count, __m512i sums, __m512i multiplier, __m512i bits,
    int32_t rounding, const struct range range)
{
    const __m512i scaled = scale_vnni(sums, multiplier, bits, rounding);
    const __m512i cut = _mm512_max_epi32(_mm512_set1_epi32(range.low - range.zero),
        _mm512_min_epi32(_mm512_set1_epi32(range.high - range.zero), scaled));
    const __m512i values = _mm512_add_epi32(cut, _mm512_set1_epi32(range.zero));
    const __mmask16 kept = (__mmask16)(count >= LANES_VNNI ? 0xFFFFu : (1u << count) - 1u);

    _mm512_mask_cvtepi32_storeu_epi8(output, kept, values);
}
