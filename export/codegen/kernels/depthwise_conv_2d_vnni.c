/*
 * DEPTHWISE_CONV_2D by dot products of four taps (AVX-512 VNNI and VBMI), for one filter a channel.
 *
 * The weights are [channels / 16][taps / 4][16][4], filled up with zeros.
 */
#include "depthwise_conv_2d.c"
#include "image_vnni.c"
#include "vectors_vnni.c"

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

/* Where a tap of a window lies; a tap too many is the first again, with a weight of zero. */
KERNEL int32_t tap_place_vnni(const struct depthwise_conv_2d s, int32_t tap, int32_t row)
{
    const int32_t real = tap < s.height * s.width ? tap : 0;

    return real / s.width * s.dilation_y * row + real % s.width * s.dilation_x * s.input_channels;
}

KERNEL void depthwise_conv_2d_vnni(const struct depthwise_conv_2d s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits, int32_t offset,
    const struct range range, uint8_t *scratch)
{
    const struct bordered_vnni b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels;
    const int32_t quads = (s.height * s.width + 3) / 4;

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered_vnni(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, -offset, scratch);
        for (int32_t step = 0; step < s.output_height; ++step) {
            const int32_t y = s.backward ? s.output_height - 1 - step : step;
            int8_t *line = output + (batch * s.output_height + y) * s.output_width * s.output_channels;

            for (int32_t channel = 0; channel < s.output_channels; channel += LANES_VNNI) {
                const __m512i by = _mm512_loadu_si512(multiplier + channel);
                const __m512i down = _mm512_loadu_si512(bits + channel);
                const __m512i start = _mm512_loadu_si512(bias + channel);

                for (int32_t x = 0; x < s.output_width; ++x) {
                    const uint8_t *window = scratch + y * s.stride_y * row + x * s.stride_x * b.channels + channel;
                    __m512i sums = start;

#pragma GCC unroll 8
                    for (int32_t q = 0; q < quads; ++q) {
                        const __m512i values = four_taps_vnni(window + tap_place_vnni(s, 4 * q, row),
                            window + tap_place_vnni(s, 4 * q + 1, row), window + tap_place_vnni(s, 4 * q + 2, row),
                            window + tap_place_vnni(s, 4 * q + 3, row));

                        sums = _mm512_dpbusd_epi32(
                            sums, values, _mm512_loadu_si512(weights + (channel / LANES_VNNI * quads + q) * 64));
                    }
                    requantize_vnni(line + x * s.output_channels + channel, s.output_channels - channel, sums, by,
                        down, s.rounding, range);
                }
            }
        }
    }
}
