/*
 * DEPTHWISE_CONV_2D by dot products of two taps (WebAssembly), for one filter a channel.
 *
 * The weights are [channels / 4][taps / 2][4][2], filled up with zeros.
 */
#include "depthwise_conv_2d.c"
#include "bordered.c"
#include "vectors_wasm.c"

/* Where a tap of a window lies; a tap too many is the first again, with a weight of zero. */
KERNEL int32_t tap_place_wasm(const struct depthwise_conv_2d s, int32_t tap, int32_t row)
{
    const int32_t real = tap < s.height * s.width ? tap : 0;

    return real / s.width * s.dilation_y * row + real % s.width * s.dilation_x * s.input_channels;
}

/* The sums of four channels of one pixel. */
KERNEL sums_wasm depthwise_sums_wasm(
    const struct depthwise_conv_2d s, const int16_t *window, int32_t row, const int8_t *weights, sums_wasm sums)
{
    const int32_t pairs = (s.height * s.width + 1) / 2;

#pragma GCC unroll 16
    for (int32_t q = 0; q < pairs; ++q) {
        const four_wasm one = *(const four_wasm *)(window + tap_place_wasm(s, 2 * q, row));
        const four_wasm two = *(const four_wasm *)(window + tap_place_wasm(s, 2 * q + 1, row));
        const words_wasm values = __builtin_shufflevector(one, two, 0, 4, 1, 5, 2, 6, 3, 7);

        sums = add_products_wasm(sums, values, weights_wasm(weights + q * 8));
    }
    return sums;
}

KERNEL void depthwise_conv_2d_wasm(const struct depthwise_conv_2d s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *power, int32_t offset,
    const struct range range, uint8_t *scratch)
{
    const struct bordered b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels;
    const int32_t pairs = (s.height * s.width + 1) / 2;
    int16_t *const padded = (void *)scratch;

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, 2, scratch);
        for (int32_t step = 0; step < s.output_height; ++step) {
            const int32_t y = s.backward ? s.output_height - 1 - step : step;
            int8_t *line = output + (batch * s.output_height + y) * s.output_width * s.output_channels;

            for (int32_t channel = 0; channel < s.output_channels; channel += LANES_WASM) {
                const sums_wasm start = load_wasm(bias + channel);
                const sums_wasm by = load_wasm(multiplier + channel), down = load_wasm(power + channel);
                const int8_t *taps = weights + channel * pairs * 2;

                for (int32_t x = 0; x < s.output_width; ++x) {
                    const int16_t *window = padded + y * s.stride_y * row + x * s.stride_x * b.channels + channel;

                    write_wasm(line + x * s.output_channels + channel, s.output_channels - channel,
                        scale_wasm(depthwise_sums_wasm(s, window, row, taps, start), by, down, s.rounding), range);
                }
            }
        }
    }
}
