/*
 * DEPTHWISE_CONV_2D by dot products of two taps (AVX2), for one filter a channel.
 *
 * The weights are [channels / 8][taps / 2][8][2], filled up with zeros.
 */
#include "depthwise_conv_2d.c"
#include "image_avx2.c"
#include "vectors_avx2.c"

/* Where a tap of a window lies; a tap too many is the first again, with a weight of zero. */
KERNEL int32_t tap_place_avx2(const struct depthwise_conv_2d s, int32_t tap, int32_t row)
{
    const int32_t real = tap < s.height * s.width ? tap : 0;

    return real / s.width * s.dilation_y * row + real % s.width * s.dilation_x * s.input_channels;
}

KERNEL void depthwise_conv_2d_avx2(const struct depthwise_conv_2d s, const int8_t *input, int8_t *output,
    const int16_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *bits, int32_t offset,
    const struct range range, uint8_t *scratch)
{
    const struct bordered_avx2 b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels;
    const int32_t pairs = (s.height * s.width + 1) / 2;
    int16_t *const padded = (void *)scratch;

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered_avx2(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, padded);
        for (int32_t step = 0; step < s.output_height; ++step) {
            const int32_t y = s.backward ? s.output_height - 1 - step : step;
            int8_t *line = output + (batch * s.output_height + y) * s.output_width * s.output_channels;

            for (int32_t channel = 0; channel < s.output_channels; channel += LANES_AVX2) {
                const __m256i by = load_avx2(multiplier + channel);
                const __m256i down = load_avx2(bits + channel);
                const __m256i start = load_avx2(bias + channel);

                for (int32_t x = 0; x < s.output_width; ++x) {
                    const int16_t *window = padded + y * s.stride_y * row + x * s.stride_x * b.channels + channel;
                    __m256i sums = start;

#pragma GCC unroll 16
                    for (int32_t q = 0; q < pairs; ++q) {
                        const __m128i one = _mm_loadu_si128((const void *)(window + tap_place_avx2(s, 2 * q, row)));
                        const __m128i two = _mm_loadu_si128((const void *)(window + tap_place_avx2(s, 2 * q + 1, row)));
                        const __m256i values = _mm256_set_m128i(_mm_unpackhi_epi16(one, two), _mm_unpacklo_epi16(one, two));

                        sums = _mm256_add_epi32(sums,
                            _mm256_madd_epi16(values, load_avx2(weights + (channel / LANES_AVX2 * pairs + q) * 16)));
                    }
                    requantize_avx2(line + x * s.output_channels + channel, s.output_channels - channel, sums, by,
                        down, s.rounding, range);
                }
            }
        }
    }
}
