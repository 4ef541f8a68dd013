/*
 * DEPTHWISE_CONV_2D of 16-bit elements: each input channel has filters of its own.
 *
 * The weights are [height][width][output channels]. Taps outside the input are left out.
 */
#include "wide.c"
#include "window.c"

struct depthwise_conv_2d_int16 {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t height, width;
    int32_t stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
    int32_t rounding;
    int32_t backward; /* from the last row to the first */
};

KERNEL void depthwise_conv_2d_int16(const struct depthwise_conv_2d_int16 s, const int16_t *input, int16_t *output,
    const int8_t *weights, const int64_t *bias, const int64_t *multiplier, const int8_t *exponent,
    const struct range range)
{
    const struct wide by = { s.rounding, 0, 0 };
    const int32_t filters = s.output_channels / s.input_channels;

    for (int32_t step = 0; step < s.batches * s.output_height; ++step) {
        const int32_t row = s.backward ? s.batches * s.output_height - 1 - step : step;
        const int16_t *image = input + row / s.output_height * s.input_height * s.input_width * s.input_channels;
        const int32_t top = row % s.output_height * s.stride_y - s.pad_y;
        const struct span rows = inside(top, s.height, s.dilation_y, s.input_height);
        int16_t *pixel = output + row * s.output_width * s.output_channels;

        for (int32_t column = 0; column < s.output_width; ++column) {
            const int32_t left = column * s.stride_x - s.pad_x;
            const struct span columns = inside(left, s.width, s.dilation_x, s.input_width);

            for (int32_t channel = 0; channel < s.output_channels; ++channel) {
                int64_t sum = bias[channel];

                for (int32_t y = rows.begin; y < rows.end; ++y) {
                    for (int32_t x = columns.begin; x < columns.end; ++x) {
                        const int32_t place = (top + y * s.dilation_y) * s.input_width + left + x * s.dilation_x;
                        const int32_t value = image[place * s.input_channels + channel / filters];

                        sum += value * weights[(y * s.width + x) * s.output_channels + channel];
                    }
                }
                pixel[channel] = requantize_wide(by, sum, multiplier[channel], exponent[channel], range);
            }
            pixel += s.output_channels;
        }
    }
}
