/*
 * CONV_2D by dot products of two numbers of 16 bits (AVX2): a tile of pixels times eight channels for each vector.
 *
 * The weights are [channels / 8][height][runs][pairs][8][2]: a run is what lies together in a row of a window,
 * filled up with a zero to whole pairs. The input is copied with a border, less its zero point.
 */
#include "convolution_x86.c"
#include "image_avx2.c"
#include "products_avx2.c"

/* Writes the elements number `first` to `first` + 3 of a tile, whose channels lie side by side in each pixel. */
KERNEL void conv_2d_write_avx2(const struct convolution_x86 s, int32_t pixels, int32_t vectors, int32_t channel,
    int32_t first, __m256i sums[12][2], const int32_t *after, int8_t *output, const struct range range)
{
    const int32_t count = pixels * vectors - first;
    __m256i elements[4] = { _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
        _mm256_setzero_si256() };
    __m256i bytes;

#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
        if (i < count) {
            const int32_t v = (first + i) % vectors;

            elements[i] = elements_avx2(sums[(first + i) / vectors][v], after + v * AFTER_AVX2, s.by_sign);
        }
    }
    bytes = bytes_avx2(elements, range);
    if (count >= 4 && s.output_channels == vectors * CHANNELS_AVX2) {
        _mm256_storeu_si256((void *)(output + first * CHANNELS_AVX2), bytes);
        return;
    }
#define PART_AVX2(i) \
    if (i < count) { \
        const int32_t from = channel + (first + i) % vectors * CHANNELS_AVX2; \
\
        write_avx2(output + (first + i) / vectors * s.output_channels + from, s.output_channels - from, \
            _mm256_extract_epi64(bytes, i)); \
    }
    PART_AVX2(0)
    PART_AVX2(1)
    PART_AVX2(2)
    PART_AVX2(3)
#undef PART_AVX2
}

KERNEL void conv_2d_tile_avx2(const struct convolution_x86 s, int32_t pixels, int32_t vectors, int32_t channel,
    const int16_t *image, int32_t row, int8_t *output, const int16_t *weights, const int32_t *after,
    const struct range range)
{
    const int32_t run = s.dilation_x == 1 ? s.width * s.input_channels : s.input_channels;
    const int32_t runs = s.dilation_x == 1 ? 1 : s.width;
    const int32_t pairs = (run + 1) / 2;
    const int32_t block = s.height * runs * pairs * 16;
    __m256i sums[12][2];

    after += channel / CHANNELS_AVX2 * AFTER_AVX2;
#pragma GCC unroll 12
    for (int32_t p = 0; p < pixels; ++p) {
#pragma GCC unroll 2
        for (int32_t v = 0; v < vectors; ++v) {
            sums[p][v] = vector_avx2(after + v * AFTER_AVX2);
        }
    }
    weights += channel / CHANNELS_AVX2 * block;
    for (int32_t y = 0; y < s.height; ++y) {
        for (int32_t x = 0; x < runs; ++x) {
            const int16_t *taps = image + y * s.dilation_y * row + x * s.dilation_x * s.input_channels;

            for (int32_t q = 0; q < pairs; ++q) {
                __m256i w[2];

#pragma GCC unroll 2
                for (int32_t v = 0; v < vectors; ++v) {
                    w[v] = vector_avx2(weights + v * block);
                }
#pragma GCC unroll 12
                for (int32_t p = 0; p < pixels; ++p) {
                    const __m256i values = _mm256_set1_epi32(
                        *(const two_avx2 *)(taps + p * s.stride_x * s.input_channels + 2 * q));

#pragma GCC unroll 2
                    for (int32_t v = 0; v < vectors; ++v) {
                        sums[p][v] = dot_avx2(sums[p][v], values, w[v]);
                    }
                }
                weights += 16;
            }
        }
    }
#pragma GCC unroll 4
    for (int32_t first = 0; first < pixels * vectors; first += 4) {
        conv_2d_write_avx2(s, pixels, vectors, channel, first, sums, after, output, range);
    }
}

/* All rows of an output of some channels, as many pixels at once as there are registers for. */
KERNEL void conv_2d_rows_avx2(const struct convolution_x86 s, int32_t most, int32_t vectors, int32_t channel,
    const int16_t *image, int32_t row, int8_t *output, const int16_t *weights, const int32_t *after,
    const struct range range)
{
    const int32_t pixels = tile_x86(s.output_width, most);
    const int32_t step = s.stride_x * s.input_channels;

    for (int32_t y = 0; y < s.output_height; ++y) {
        int32_t x = 0;

        for (; x + pixels <= s.output_width; x += pixels) {
            conv_2d_tile_avx2(s, pixels, vectors, channel, image + x * step, row, output + x * s.output_channels,
                weights, after, range);
        }
        if (s.output_width % pixels > 0) {
            conv_2d_tile_avx2(s, s.output_width % pixels, vectors, channel, image + x * step, row,
                output + x * s.output_channels, weights, after, range);
        }
        image += s.stride_y * row;
        output += s.output_width * s.output_channels;
    }
}

KERNEL void conv_2d_avx2(const struct convolution_x86 s, const int8_t *input, int8_t *output, const int16_t *weights,
    const int32_t *after, int32_t offset, const struct range range, uint8_t *scratch)
{
    const struct bordered_avx2 b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels;
    int16_t *const padded = (void *)scratch;
    const int32_t whole = (s.output_channels + CHANNELS_AVX2 - 1) / CHANNELS_AVX2;

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;
        int8_t *const lines = output + batch * s.output_height * s.output_width * s.output_channels;

        bordered_avx2(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, padded);
        for (int32_t v = 0; v + 2 <= whole; v += 2) {
            conv_2d_rows_avx2(s, 6, 2, v * CHANNELS_AVX2, padded, row, lines, weights, after, range);
        }
        if (whole % 2 > 0) {
            conv_2d_rows_avx2(s, 12, 1, (whole - 1) * CHANNELS_AVX2, padded, row, lines, weights, after, range);
        }
    }
}
