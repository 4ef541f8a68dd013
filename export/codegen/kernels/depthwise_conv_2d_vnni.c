/*
 * DEPTHWISE_CONV_2D by dot products of four taps (AVX-512 VNNI and VBMI), for one filter a channel.
 *
 * The weights are [channels / 16][height][width / 4][16][4], filled up with zeros. A column of the input, four taps
 * wide, is put in order once, for all rows of the window and of the output that see it.
 */
#include "convolution_x86.c"
#include "bordered.c"
#include "products_vnni.c"

/* Sixteen channels of four taps, the taps of a channel together. */
KERNEL __m512i four_taps_vnni(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d)
{
    const __m512i order = _mm512_set_epi32(0x3F2F1F0F, 0x3E2E1E0E, 0x3D2D1D0D, 0x3C2C1C0C, 0x3B2B1B0B, 0x3A2A1A0A,
        0x39291909, 0x38281808, 0x37271707, 0x36261606, 0x35251505, 0x34241404, 0x33231303, 0x32221202, 0x31211101,
        0x30201000);
    __m512i taps = _mm512_castsi128_si512(_mm_loadu_si128((const void *)a));

    taps = _mm512_mask_broadcast_i32x4(taps, 0x00F0, _mm_loadu_si128((const void *)b));
    taps = _mm512_mask_broadcast_i32x4(taps, 0x0F00, _mm_loadu_si128((const void *)c));
    taps = _mm512_mask_broadcast_i32x4(taps, 0xF000, _mm_loadu_si128((const void *)d));
    return _mm512_permutexvar_epi8(order, taps);
}

/* Where a tap of a row of a window lies; a tap too many is the first again, with a weight of zero. */
KERNEL int32_t tap_place_vnni(const struct convolution_x86 s, int32_t tap)
{
    return tap < s.width ? tap * s.dilation_x * s.input_channels : 0;
}

/* Puts a column of sixteen channels in order, for each row of the image as many vectors as a window's row takes. */
KERNEL void ordered_column_vnni(
    const struct convolution_x86 s, const uint8_t *image, int32_t height, int32_t row, uint8_t *column)
{
    const int32_t quads = (s.width + 3) / 4;

    for (int32_t y = 0; y < height; ++y) {
#pragma GCC unroll 4
        for (int32_t q = 0; q < quads; ++q) {
            _mm512_storeu_si512(column + (y * quads + q) * 64,
                four_taps_vnni(image + tap_place_vnni(s, 4 * q), image + tap_place_vnni(s, 4 * q + 1),
                    image + tap_place_vnni(s, 4 * q + 2), image + tap_place_vnni(s, 4 * q + 3)));
        }
        image += row;
    }
}

/* Up to four pixels, one below the other. */
KERNEL void depthwise_conv_2d_tile_vnni(const struct convolution_x86 s, int32_t pixels, int32_t channel,
    const uint8_t *column, int8_t *output, const int8_t *weights, const int32_t *after, const struct range range)
{
    const int32_t quads = (s.width + 3) / 4;
    const int32_t line = s.output_width * s.output_channels;
    const struct products_vnni by = products_vnni(after);
    __m512i sums[4], bytes;

#pragma GCC unroll 4
    for (int32_t p = 0; p < 4; ++p) {
        sums[p] = _mm512_loadu_si512(after);
#pragma GCC unroll 8
        for (int32_t y = 0; y < s.height; ++y) {
#pragma GCC unroll 2
            for (int32_t q = 0; q < quads && p < pixels; ++q) {
                sums[p] = dot_vnni(sums[p],
                    _mm512_loadu_si512(column + ((p * s.stride_y + y * s.dilation_y) * quads + q) * 64),
                    _mm512_loadu_si512(weights + (y * quads + q) * 64));
            }
        }
        sums[p] = elements_vnni(sums[p], by, s.by_sign);
    }
    bytes = bytes_vnni(sums, range);
    write_vnni(output, s.output_channels - channel, _mm512_castsi512_si128(bytes));
    if (pixels > 1) {
        write_vnni(output + line, s.output_channels - channel, _mm512_extracti32x4_epi32(bytes, 1));
    }
    if (pixels > 2) {
        write_vnni(output + 2 * line, s.output_channels - channel, _mm512_extracti32x4_epi32(bytes, 2));
    }
    if (pixels > 3) {
        write_vnni(output + 3 * line, s.output_channels - channel, _mm512_extracti32x4_epi32(bytes, 3));
    }
}

KERNEL void depthwise_conv_2d_vnni(const struct convolution_x86 s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *after, int32_t offset, const struct range range, uint8_t *scratch)
{
    const struct bordered b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels, line = s.output_width * s.output_channels;
    const int32_t quads = (s.width + 3) / 4;
    uint8_t *const end = scratch + b.height * row;
    uint8_t *const column = end + (-(uintptr_t)end & 63);

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, 1, scratch);
        for (int32_t channel = 0; channel < s.output_channels; channel += CHANNELS_VNNI) {
            const int8_t *taps = weights + channel / CHANNELS_VNNI * s.height * quads * 64;
            const int32_t *by = after + channel / CHANNELS_VNNI * AFTER_VNNI;

            for (int32_t x = 0; x < s.output_width; ++x) {
                int8_t *pixel = output + batch * s.output_height * line + x * s.output_channels + channel;
                int32_t y = 0;

                ordered_column_vnni(s, scratch + x * s.stride_x * b.channels + channel, b.height, row, column);
                for (; y + 4 <= s.output_height; y += 4) {
                    depthwise_conv_2d_tile_vnni(s, 4, channel, column + y * s.stride_y * quads * 64, pixel + y * line,
                        taps, by, range);
                }
                if (s.output_height % 4 > 0) {
                    depthwise_conv_2d_tile_vnni(s, s.output_height % 4, channel, column + y * s.stride_y * quads * 64,
                        pixel + y * line, taps, by, range);
                }
            }
        }
    }
}
