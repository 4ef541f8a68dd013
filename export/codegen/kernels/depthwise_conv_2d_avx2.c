/*
 * DEPTHWISE_CONV_2D by dot products of two taps (AVX2), for one filter a channel.
 *
 * The weights are [channels / 8][taps / 2][8][2], filled up with zeros.
 */
#include "convolution_x86.c"
#include "bordered.c"
#include "products_avx2.c"

/* Where a tap of a window lies; a tap too many is the first again, with a weight of zero. */
KERNEL int32_t tap_place_avx2(const struct convolution_x86 s, int32_t tap, int32_t row)
{
    const int32_t real = tap < s.height * s.width ? tap : 0;

    return real / s.width * s.dilation_y * row + real % s.width * s.dilation_x * s.input_channels;
}

/* Up to four pixels of a row. */
KERNEL void depthwise_conv_2d_tile_avx2(const struct convolution_x86 s, int32_t pixels, int32_t channel,
    const int16_t *window, int32_t row, int8_t *output, const int16_t *weights, const int32_t *after,
    const struct range range)
{
    const int32_t pairs = (s.height * s.width + 1) / 2;
    __m256i sums[4], bytes;

#pragma GCC unroll 4
    for (int32_t p = 0; p < 4; ++p) {
        sums[p] = vector_avx2(after);
    }
#pragma GCC unroll 16
    for (int32_t q = 0; q < pairs; ++q) {
        const int32_t first = tap_place_avx2(s, 2 * q, row), second = tap_place_avx2(s, 2 * q + 1, row);

#pragma GCC unroll 4
        for (int32_t p = 0; p < pixels; ++p) {
            const int16_t *at = window + p * s.stride_x * s.input_channels;
            const __m128i one = _mm_loadu_si128((const void *)(at + first));
            const __m128i two = _mm_loadu_si128((const void *)(at + second));
            const __m256i values = _mm256_set_m128i(_mm_unpackhi_epi16(one, two), _mm_unpacklo_epi16(one, two));

            sums[p] = dot_avx2(sums[p], values, vector_avx2(weights + q * 16), 2);
        }
    }
#pragma GCC unroll 4
    for (int32_t p = 0; p < pixels; ++p) {
        sums[p] = elements_avx2(sums[p], after, s.by_sign);
    }
    bytes = bytes_avx2(sums, range);
    write_avx2(output, s.output_channels - channel, _mm256_extract_epi64(bytes, 0));
    if (pixels > 1) {
        write_avx2(output + s.output_channels, s.output_channels - channel, _mm256_extract_epi64(bytes, 1));
    }
    if (pixels > 2) {
        write_avx2(output + 2 * s.output_channels, s.output_channels - channel, _mm256_extract_epi64(bytes, 2));
    }
    if (pixels > 3) {
        write_avx2(output + 3 * s.output_channels, s.output_channels - channel, _mm256_extract_epi64(bytes, 3));
    }
}

KERNEL void depthwise_conv_2d_avx2(const struct convolution_x86 s, const int8_t *input, int8_t *output,
    const int16_t *weights, const int32_t *after, int32_t offset, const struct range range, uint8_t *scratch)
{
    const struct bordered b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels, step = s.stride_x * b.channels;
    const int32_t pairs = (s.height * s.width + 1) / 2;
    int16_t *const padded = (void *)scratch;

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, 2, scratch);
        for (int32_t channel = 0; channel < s.output_channels; channel += CHANNELS_AVX2) {
            const int16_t *taps = weights + channel / CHANNELS_AVX2 * pairs * 16;
            const int32_t *by = after + channel / CHANNELS_AVX2 * AFTER_AVX2;
            const int16_t *window = padded + channel;
            int8_t *line = output + batch * s.output_height * s.output_width * s.output_channels + channel;

            for (int32_t y = 0; y < s.output_height; ++y) {
                int32_t x = 0;

                for (; x + 4 <= s.output_width; x += 4) {
                    depthwise_conv_2d_tile_avx2(
                        s, 4, channel, window + x * step, row, line + x * s.output_channels, taps, by, range);
                }
                if (s.output_width % 4 > 0) {
                    depthwise_conv_2d_tile_avx2(s, s.output_width % 4, channel, window + x * step, row,
                        line + x * s.output_channels, taps, by, range);
                }
                window += s.stride_y * row;
                line += s.output_width * s.output_channels;
            }
        }
    }
}
