/*
 * Elements of an output by one product each (AVX2): see `variants/_products.py`.
 *
 * What follows the sums is [channels / 8][5][8]: the bias with the lift, what is added to elements, the lift, the
 * bits of the second shift, and the multiplier.
 */
#include "requantize.c"
#include <immintrin.h>

enum { CHANNELS_AVX2 = 8, AFTER_AVX2 = 5 * 8 };

typedef int32_t word_avx2 __attribute__((aligned(1), may_alias));
typedef int64_t eight_avx2 __attribute__((aligned(1), may_alias));

KERNEL __m256i vector_avx2(const void *from)
{
    return _mm256_loadu_si256(from);
}

/*
 * Adds dot products of two numbers of 16 bits to sums, or with elements of one byte, of four (AVX-VNNI: in assembler,
 * since that is no part of AVX2). GCC 12 keeps sums of a loop twice, and half of them in memory then, unless it is told
 * that they change here.
 */
KERNEL __m256i dot_avx2(__m256i sums, __m256i values, __m256i weights, int32_t size)
{
#if !defined(__clang__) && __GNUC__ >= 11
    if (size == 1) {
        __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums) : "x"(values), "x"(weights));
        return sums;
    }
#endif
    (void)size;
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(values, weights));
    __asm__("" : "+x"(sums));
    return sums;
}

/* The elements of eight channels, not cut off yet; of the odd ones, products end in the upper half of 64 bits. */
KERNEL __m256i elements_avx2(__m256i sums, const int32_t *after, int32_t by_sign)
{
    const __m256i rest = vector_avx2(after + 8), bits = vector_avx2(after + 24), by = vector_avx2(after + 32);
    const __m256i even = _mm256_mul_epu32(sums, by);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(by, 32));

    if (by_sign) {
        const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
        const __m256i below = _mm256_cmpgt_epi32(vector_avx2(after + 16), sums);

        return _mm256_srav_epi32(_mm256_add_epi32(_mm256_add_epi32(high, rest), below), bits);
    }
    {
        const __m256i even_bits = _mm256_add_epi64(
            _mm256_and_si256(bits, _mm256_set1_epi64x(0xFFFFFFFF)), _mm256_set1_epi64x(31));
        const __m256i odd_bits = _mm256_sub_epi64(_mm256_srli_epi64(bits, 32), _mm256_set1_epi64x(1));

        return _mm256_add_epi32(rest,
            _mm256_blend_epi32(_mm256_srlv_epi64(even, even_bits), _mm256_srlv_epi64(odd, odd_bits), 0xAA));
    }
}

/* Four times eight elements as bytes, within the range. */
KERNEL __m256i bytes_avx2(const __m256i elements[4], const struct range range)
{
    const __m256i bytes = _mm256_packs_epi16(
        _mm256_packs_epi32(elements[0], elements[1]), _mm256_packs_epi32(elements[2], elements[3]));
    const __m256i cut = _mm256_max_epi8(
        _mm256_min_epi8(bytes, _mm256_set1_epi8((char)range.high)), _mm256_set1_epi8((char)range.low));

    return _mm256_permutevar8x32_epi32(cut, _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0));
}

/* Writes eight bytes, or the first `count` of them. */
KERNEL void write_avx2(int8_t *output, int32_t count, int64_t bytes)
{
    if (count >= CHANNELS_AVX2) {
        *(eight_avx2 *)output = bytes;
        return;
    }
    for (int32_t i = 0; i < count; ++i) {
        output[i] = (int8_t)bytes;
        bytes >>= 8;
    }
}
