/*
 * CONV_2D by dot products of four bytes (AVX-512 VNNI): a tile of pixels times sixteen channels for each vector.
 *
 * The weights are [channels / 16][height][runs][quads][16][4]: a run is what lies together in a row of a window,
 * filled up with zeros to whole quads. The input is copied with a border and plus 128; what both add is part of the
 * bias.
 */
#include "convolution_x86.c"
#include "bordered.c"
#include "products_vnni.c"

typedef int32_t unaligned_vnni __attribute__((aligned(1), may_alias));

/* Four bytes, sixteen times. */
KERNEL __m512i quad_vnni(const uint8_t *values)
{
    return _mm512_set1_epi32(*(const unaligned_vnni *)values);
}

/* A quad of the channels in a row of a tile's windows; each is read once for all windows that see it. */
KERNEL void conv_2d_shared_vnni(
    const struct convolution_x86 s, int32_t pixels, const uint8_t *taps, const int8_t *weights, __m512i sums[16][4])
{
    __m512i w[3];

#pragma GCC unroll 3
    for (int32_t x = 0; x < s.width; ++x) {
        w[x] = _mm512_loadu_si512(weights + x * s.input_channels * 16);
    }
#pragma GCC unroll 64
    for (int32_t column = 0; column < (pixels - 1) * s.stride_x + s.width; ++column) {
        const __m512i values = quad_vnni(taps + column * s.input_channels);

#pragma GCC unroll 3
        for (int32_t x = 0; x < s.width; ++x) {
            const int32_t p = (column - x) / s.stride_x;

            if (column >= x && (column - x) % s.stride_x == 0 && p < pixels) {
                sums[p][0] = dot_vnni(sums[p][0], values, w[x]);
            }
        }
    }
}

/* Writes the elements number `first` to `first` + 3 of a tile, whose channels lie side by side in each pixel. */
KERNEL void conv_2d_write_vnni(const struct convolution_x86 s, int32_t pixels, int32_t vectors, int32_t channel,
    int32_t first, __m512i sums[16][4], const int32_t *after, int8_t *output, const struct range range)
{
    const int32_t count = pixels * vectors - first;
    __m512i elements[4] = { _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
        _mm512_setzero_si512() };
    __m512i bytes;

#pragma GCC unroll 4
    for (int32_t i = 0; i < 4; ++i) {
        if (i < count) {
            const int32_t v = (first + i) % vectors;

            elements[i] = elements_vnni(
                sums[(first + i) / vectors][v], products_vnni(after + v * AFTER_VNNI), s.by_sign);
        }
    }
    bytes = bytes_vnni(elements, range);
    if (count >= 4 && s.output_channels == vectors * CHANNELS_VNNI) {
        _mm512_storeu_si512(output + first * CHANNELS_VNNI, bytes);
        return;
    }
#define PART_VNNI(i) \
    if (i < count) { \
        const int32_t from = channel + (first + i) % vectors * CHANNELS_VNNI; \
\
        write_vnni(output + (first + i) / vectors * s.output_channels + from, s.output_channels - from, \
            _mm512_extracti32x4_epi32(bytes, i)); \
    }
    PART_VNNI(0)
    PART_VNNI(1)
    PART_VNNI(2)
    PART_VNNI(3)
#undef PART_VNNI
}

KERNEL void conv_2d_tile_vnni(const struct convolution_x86 s, int32_t pixels, int32_t vectors, int32_t channel,
    const uint8_t *image, int32_t row, int8_t *output, const int8_t *weights, const int32_t *after,
    const struct range range)
{
    const int32_t run = s.dilation_x == 1 ? s.width * s.input_channels : s.input_channels;
    const int32_t runs = s.dilation_x == 1 ? 1 : s.width;
    const int32_t quads = (run + 3) / 4;
    const int32_t block = s.height * runs * quads * 64;
    const int32_t shared = vectors == 1 && runs == 1 && s.width > 1 && s.width <= 3 && s.input_channels % 4 == 0;
    __m512i sums[16][4];

    after += channel / CHANNELS_VNNI * AFTER_VNNI;
#pragma GCC unroll 16
    for (int32_t p = 0; p < pixels; ++p) {
#pragma GCC unroll 4
        for (int32_t v = 0; v < vectors; ++v) {
            sums[p][v] = _mm512_loadu_si512(after + v * AFTER_VNNI);
        }
    }
    weights += channel / CHANNELS_VNNI * block;
    for (int32_t y = 0; y < s.height; ++y) {
        const uint8_t *taps = image + y * s.dilation_y * row;

        if (shared) {
            for (int32_t q = 0; q < quads / s.width; ++q) {
                conv_2d_shared_vnni(s, pixels, taps + 4 * q, weights + q * 64, sums);
            }
            weights += quads * 64;
            continue;
        }
        for (int32_t x = 0; x < runs; ++x) {
            for (int32_t q = 0; q < quads; ++q) {
                __m512i w[4];

#pragma GCC unroll 4
                for (int32_t v = 0; v < vectors; ++v) {
                    w[v] = _mm512_loadu_si512(weights + v * block);
                }
#pragma GCC unroll 16
                for (int32_t p = 0; p < pixels; ++p) {
                    const __m512i values = quad_vnni(taps + p * s.stride_x * s.input_channels + 4 * q);

#pragma GCC unroll 4
                    for (int32_t v = 0; v < vectors; ++v) {
                        sums[p][v] = dot_vnni(sums[p][v], values, w[v]);
                    }
                }
                weights += 64;
            }
            taps += s.dilation_x * s.input_channels;
        }
    }
#pragma GCC unroll 8
    for (int32_t first = 0; first < pixels * vectors; first += 4) {
        conv_2d_write_vnni(s, pixels, vectors, channel, first, sums, after, output, range);
    }
}

/* All rows of an output of some channels, as many pixels at once as there are registers for. */
KERNEL void conv_2d_rows_vnni(const struct convolution_x86 s, int32_t most, int32_t vectors, int32_t channel,
    const uint8_t *image, int32_t row, int8_t *output, const int8_t *weights, const int32_t *after,
    const struct range range)
{
    const int32_t pixels = tile_x86(s.output_width, most);
    const int32_t step = s.stride_x * s.input_channels;

    for (int32_t y = 0; y < s.output_height; ++y) {
        int32_t x = 0;

        for (; x + pixels <= s.output_width; x += pixels) {
            conv_2d_tile_vnni(s, pixels, vectors, channel, image + x * step, row, output + x * s.output_channels,
                weights, after, range);
        }
        if (s.output_width % pixels > 0) {
            conv_2d_tile_vnni(s, s.output_width % pixels, vectors, channel, image + x * step, row,
                output + x * s.output_channels, weights, after, range);
        }
        image += s.stride_y * row;
        output += s.output_width * s.output_channels;
    }
}

KERNEL void conv_2d_vnni(const struct convolution_x86 s, const int8_t *input, int8_t *output, const int8_t *weights,
    const int32_t *after, int32_t offset, const struct range range, uint8_t *scratch)
{
    const struct bordered b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels;
    const int32_t whole = (s.output_channels + CHANNELS_VNNI - 1) / CHANNELS_VNNI;
    const int32_t together = s.output_width > 5 ? 2 : 4;

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;
        int8_t *const lines = output + batch * s.output_height * s.output_width * s.output_channels;
        int32_t v = 0;

        bordered(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, 1, scratch);
        for (; v + together <= whole; v += together) {
            conv_2d_rows_vnni(s, together == 4 ? 5 : 12, together, v * CHANNELS_VNNI, scratch, row, lines, weights,
                after, range);
        }
        for (; v < whole; ++v) {
            conv_2d_rows_vnni(s, 16, 1, v * CHANNELS_VNNI, scratch, row, lines, weights, after, range);
        }
    }
}
