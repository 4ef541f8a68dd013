/*
 * AVERAGE_POOL_2D of eight channels at once (AVX2). Quotients are of single precision: of numbers below 2^24, the whole
 * part is exact where the divisor is below 2^17.
 */
#include "pool_2d.c"
#include <immintrin.h>

/* The means of eight channels over a window, of which the first tap may lie outside the image. */
KERNEL __m128i means_avx2(const struct pool_2d s, const int8_t *image, int32_t top, int32_t left, struct span rows,
    struct span columns, const struct range range)
{
    const int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
    const __m256i half = _mm256_set1_epi32(count / 2);
    __m256i sums = _mm256_setzero_si256(), quotients;
    __m128i words;

    for (int32_t y = top + rows.begin; y < top + rows.end; ++y) {
        for (int32_t x = left + columns.begin; x < left + columns.end; ++x) {
            const void *values = image + (y * s.input_width + x) * s.channels;

            sums = _mm256_add_epi32(sums, _mm256_cvtepi8_epi32(_mm_loadl_epi64(values)));
        }
    }
    sums = _mm256_add_epi32(sums, _mm256_sign_epi32(half, sums));
    quotients = _mm256_cvttps_epi32(
        _mm256_div_ps(_mm256_cvtepi32_ps(sums), _mm256_set1_ps((float)count)));
    words = _mm_packs_epi32(_mm256_castsi256_si128(quotients), _mm256_extracti128_si256(quotients, 1));
    return _mm_max_epi8(_mm_set1_epi8((char)range.low),
        _mm_min_epi8(_mm_set1_epi8((char)range.high), _mm_packs_epi16(words, words)));
}

KERNEL void average_pool_2d_avx2(
    const struct pool_2d s, const int8_t *input, int8_t *output, const struct range range)
{
    for (int32_t step = 0; step < s.batches * s.output_height; ++step) {
        const int32_t row = s.backward ? s.batches * s.output_height - 1 - step : step;
        const int8_t *image = input + row / s.output_height * s.input_height * s.input_width * s.channels;
        const int32_t top = row % s.output_height * s.stride_y - s.pad_y;
        const struct span rows = inside(top, s.height, 1, s.input_height);
        int8_t *pixel = output + row * s.output_width * s.channels;

        for (int32_t column = 0; column < s.output_width; ++column) {
            const int32_t left = column * s.stride_x - s.pad_x;
            const struct span columns = inside(left, s.width, 1, s.input_width);

            for (int32_t channel = 0; channel < s.channels; channel += 8) {
                _mm_storel_epi64((void *)(pixel + channel),
                    means_avx2(s, image + channel, top, left, rows, columns, range));
            }
            pixel += s.channels;
        }
    }
}
