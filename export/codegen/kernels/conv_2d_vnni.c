/*
 * CONV_2D by dot products of four bytes (AVX-512 VNNI): a tile of pixels times sixteen channels for each vector.
 *
 * The weights are [channels / 16][height][runs][quads][16][4]: a run is what lies together in a row of a window,
 * filled up with zeros to whole quads. The input is copied with a border and plus 128; what both add is part of the
 * bias.
 */
#include "conv_2d.c"
#include "image_vnni.c"
#include "vectors_vnni.c"

KERNEL void conv_2d_tile_vnni(const struct conv_2d s, int32_t pixels, int32_t vectors, int32_t channel,
    const uint8_t *image, int32_t row, int8_t *output, const int8_t *weights, const int32_t *bias,
    const int32_t *multiplier, const int32_t *bits, const struct range range)
{
    const int32_t run = s.dilation_x == 1 ? s.width * s.depth : s.depth;
    const int32_t runs = s.dilation_x == 1 ? 1 : s.width;
    const int32_t quads = (run + 3) / 4;
    const int32_t block = s.height * runs * quads * 64;
    __m512i sums[16][4];

#pragma GCC unroll 16
    for (int32_t p = 0; p < pixels; ++p) {
#pragma GCC unroll 4
        for (int32_t v = 0; v < vectors; ++v) {
            sums[p][v] = _mm512_loadu_si512(bias + channel + v * LANES_VNNI);
        }
    }
    weights += channel / LANES_VNNI * block;
    for (int32_t y = 0; y < s.height; ++y) {
        for (int32_t x = 0; x < runs; ++x) {
            const uint8_t *taps = image + y * s.dilation_y * row + x * s.dilation_x * s.input_channels;

            for (int32_t q = 0; q < quads; ++q) {
                __m512i w[4];

#pragma GCC unroll 4
                for (int32_t v = 0; v < vectors; ++v) {
                    w[v] = _mm512_loadu_si512(weights + v * block);
                }
#pragma GCC unroll 16
                for (int32_t p = 0; p < pixels; ++p) {
                    const __m512i values = _mm512_set1_epi32(
                        *(const unaligned_int32 *)(taps + p * s.stride_x * s.input_channels + 4 * q));

#pragma GCC unroll 4
                    for (int32_t v = 0; v < vectors; ++v) {
                        sums[p][v] = _mm512_dpbusd_epi32(sums[p][v], values, w[v]);
                    }
                }
                weights += 64;
            }
        }
    }
#pragma GCC unroll 4
    for (int32_t v = 0; v < vectors; ++v) {
        const int32_t first = channel + v * LANES_VNNI;
        const __m512i by = _mm512_loadu_si512(multiplier + first);
        const __m512i down = _mm512_loadu_si512(bits + first);

#pragma GCC unroll 16
        for (int32_t p = 0; p < pixels; ++p) {
            requantize_vnni(output + p * s.output_channels + first, s.output_channels - first, sums[p][v], by, down,
                s.rounding, range);
        }
    }
}

/* A row of the output, as many pixels at once as there are registers for. */
KERNEL void conv_2d_row_vnni(const struct conv_2d s, int32_t pixels, int32_t vectors, int32_t channel,
    const uint8_t *image, int32_t row, int8_t *output, const int8_t *weights, const int32_t *bias,
    const int32_t *multiplier, const int32_t *bits, const struct range range)
{
    const int32_t step = s.stride_x * s.input_channels;
    int32_t x = 0;

    for (; x + pixels <= s.output_width; x += pixels) {
        conv_2d_tile_vnni(s, pixels, vectors, channel, image + x * step, row, output + x * s.output_channels, weights,
            bias, multiplier, bits, range);
    }
    if (s.output_width % pixels > 0) {
        conv_2d_tile_vnni(s, s.output_width % pixels, vectors, channel, image + x * step, row,
            output + x * s.output_channels, weights, bias, multiplier, bits, range);
    }
}

KERNEL void conv_2d_vnni(const struct conv_2d s, const int8_t *input, int8_t *output, const int8_t *weights,
    const int32_t *bias, const int32_t *multiplier, const int32_t *bits, int32_t offset, const struct range range,
    uint8_t *scratch)
{
    const struct bordered_vnni b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels;
    const int32_t whole = (s.output_channels + LANES_VNNI - 1) / LANES_VNNI;

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered_vnni(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, -offset, scratch);
        for (int32_t step = 0; step < s.output_height; ++step) {
            const int32_t y = s.backward ? s.output_height - 1 - step : step;
            const uint8_t *image = scratch + y * s.stride_y * row;
            int8_t *line = output + (batch * s.output_height + y) * s.output_width * s.output_channels;

            for (int32_t v = 0; v + 4 <= whole; v += 4) {
                conv_2d_row_vnni(s, 5, 4, v * LANES_VNNI, image, row, line, weights, bias, multiplier, bits, range);
            }
            if (whole % 4 >= 2) {
                conv_2d_row_vnni(s, 8, 2, whole / 4 * 4 * LANES_VNNI, image, row, line, weights, bias, multiplier,
                    bits, range);
            }
            if (whole % 2 > 0) {
                conv_2d_row_vnni(
                    s, 16, 1, (whole - 1) * LANES_VNNI, image, row, line, weights, bias, multiplier, bits, range);
            }
        }
    }
}
