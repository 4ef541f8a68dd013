/*
 * CONV_2D by dot products of two numbers of 16 bits (AVX2): a tile of pixels times eight channels for each vector.
 *
 * The weights are [channels / 8][height][runs][pairs][8][2]: a run is what lies together in a row of a window,
 * filled up with a zero to whole pairs. The input is copied with a border, less its zero point.
 *
 * What has `size` as a parameter, that of an element, does the same with four numbers of 8 bits (`conv_2d_avxvnni`).
 */
#include "convolution_x86.c"
#include "bordered.c"
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

KERNEL void conv_2d_tile_avx2(const struct convolution_x86 s, int32_t size, int32_t pixels, int32_t vectors,
    int32_t channel, const uint8_t *image, int32_t row, int8_t *output, const uint8_t *weights, const int32_t *after,
    const struct range range)
{
    const int32_t pixel = s.input_channels * size;
    const int32_t runs = s.dilation_x == 1 ? 1 : s.width;
    const int32_t words = ((s.dilation_x == 1 ? s.width * pixel : pixel) + 3) / 4;
    const int32_t block = s.height * runs * words * 32;
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
            const uint8_t *taps = image + y * s.dilation_y * row + x * s.dilation_x * pixel;

            for (int32_t i = 0; i < words; ++i) {
                __m256i w[2];

#pragma GCC unroll 2
                for (int32_t v = 0; v < vectors; ++v) {
                    w[v] = vector_avx2(weights + v * block);
                }
#pragma GCC unroll 12
                for (int32_t p = 0; p < pixels; ++p) {
                    const __m256i values = _mm256_set1_epi32(*(const word_avx2 *)(taps + p * s.stride_x * pixel + 4 * i));

#pragma GCC unroll 2
                    for (int32_t v = 0; v < vectors; ++v) {
                        sums[p][v] = dot_avx2(sums[p][v], values, w[v], size);
                    }
                }
                weights += 32;
            }
        }
    }
#pragma GCC unroll 4
    for (int32_t first = 0; first < pixels * vectors; first += 4) {
        conv_2d_write_avx2(s, pixels, vectors, channel, first, sums, after, output, range);
    }
}

/* All rows of an output of some channels, as many pixels at once as there are registers for. */
KERNEL void conv_2d_rows_avx2(const struct convolution_x86 s, int32_t size, int32_t most, int32_t vectors,
    int32_t channel, const uint8_t *image, int32_t row, int8_t *output, const uint8_t *weights, const int32_t *after,
    const struct range range)
{
    const int32_t pixels = tile_x86(s.output_width, most);
    const int32_t step = s.stride_x * s.input_channels * size;

    for (int32_t y = 0; y < s.output_height; ++y) {
        int32_t x = 0;

        for (; x + pixels <= s.output_width; x += pixels) {
            conv_2d_tile_avx2(s, size, pixels, vectors, channel, image + x * step, row, output + x * s.output_channels,
                weights, after, range);
        }
        if (s.output_width % pixels > 0) {
            conv_2d_tile_avx2(s, size, s.output_width % pixels, vectors, channel, image + x * step, row,
                output + x * s.output_channels, weights, after, range);
        }
        image += s.stride_y * row;
        output += s.output_width * s.output_channels;
    }
}

/* All channels of an output; the rows of the bordered image have `row` bytes. */
KERNEL void conv_2d_channels_avx2(const struct convolution_x86 s, int32_t size, const uint8_t *image, int32_t row,
    int8_t *output, const void *weights, const int32_t *after, const struct range range)
{
    const int32_t whole = (s.output_channels + CHANNELS_AVX2 - 1) / CHANNELS_AVX2;

    for (int32_t v = 0; v + 2 <= whole; v += 2) {
        conv_2d_rows_avx2(s, size, 6, 2, v * CHANNELS_AVX2, image, row, output, weights, after, range);
    }
    if (whole % 2 > 0) {
        conv_2d_rows_avx2(s, size, 12, 1, (whole - 1) * CHANNELS_AVX2, image, row, output, weights, after, range);
    }
}

KERNEL void conv_2d_avx2(const struct convolution_x86 s, const int8_t *input, int8_t *output, const int16_t *weights,
    const int32_t *after, int32_t offset, const struct range range, uint8_t *scratch)
{
    const struct bordered b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, 2, scratch);
        conv_2d_channels_avx2(s, 2, scratch, b.width * b.channels * 2,
            output + batch * s.output_height * s.output_width * s.output_channels, weights, after, range);
    }
}
