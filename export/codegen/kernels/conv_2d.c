/*
 * CONV_2D: for each pixel and channel of the output the sum of a window's products.
 *
 * The weights of four channels lie together: [channels / 4][height][width][depth][4], then those of the channels
 * that are left: [channels % 4][height][width][depth]. Taps outside the input are left out. `depth` is the number of
 * input channels that an output channel sees, all of them if there is one group.
 */
#include "requantize.c"
#include "sum_four.c"
#include "window.c"

struct conv_2d {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t height, width, depth;
    int32_t stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
    int32_t groups;
    int32_t rounding;
    int32_t backward; /* from the last row to the first */
};

/* A window: the pixel of the image at its first tap, which may lie outside, and the taps that lie inside. */
struct conv_2d_window {
    const int8_t *image;
    int32_t top, left;
    struct span rows, columns;
};

/* The sums of four channels. */
KERNEL void conv_2d_four(const struct conv_2d s, const struct conv_2d_window at, int32_t offset, const int8_t *weights,
    int32_t sums[4])
{
    const int32_t together = s.dilation_x == 1 && s.groups == 1 ? at.columns.end - at.columns.begin : 1;

    sums[0] = sums[1] = sums[2] = sums[3] = 0;
    for (int32_t y = at.rows.begin; y < at.rows.end; ++y) {
        for (int32_t x = at.columns.begin; x < at.columns.end; x += together) {
            const int32_t place = (at.top + y * s.dilation_y) * s.input_width + at.left + x * s.dilation_x;
            const int8_t *taps = weights + (y * s.width + x) * s.depth * 4;

            sum_four(at.image + place * s.input_channels, taps, together * s.depth, offset, sums);
        }
    }
}

/* The sum of one channel of a group that begins at input channel `first`. */
KERNEL int32_t conv_2d_one(
    const struct conv_2d s, const struct conv_2d_window at, int32_t first, int32_t offset, const int8_t *weights)
{
    int32_t sum = 0;

    for (int32_t y = at.rows.begin; y < at.rows.end; ++y) {
        for (int32_t x = at.columns.begin; x < at.columns.end; ++x) {
            const int32_t place = (at.top + y * s.dilation_y) * s.input_width + at.left + x * s.dilation_x;
            const int8_t *values = at.image + place * s.input_channels + first;
            const int8_t *taps = weights + (y * s.width + x) * s.depth;

            for (int32_t i = 0; i < s.depth; ++i) {
                sum += (values[i] + offset) * taps[i];
            }
        }
    }
    return sum;
}

KERNEL void conv_2d(const struct conv_2d s, const int8_t *input, int8_t *output, const int8_t *weights,
    const int32_t *bias, const int32_t *multiplier, const int8_t *exponent, int32_t offset, const struct range range)
{
    const int32_t taps = s.height * s.width * s.depth;
    const int32_t fours = s.groups == 1 ? s.output_channels / 4 * 4 : 0;
    struct conv_2d_window at;

    for (int32_t step = 0; step < s.batches * s.output_height; ++step) {
        const int32_t row = s.backward ? s.batches * s.output_height - 1 - step : step;
        int8_t *pixel = output + row * s.output_width * s.output_channels;

        at.image = input + row / s.output_height * s.input_height * s.input_width * s.input_channels;
        at.top = row % s.output_height * s.stride_y - s.pad_y;
        at.rows = inside(at.top, s.height, s.dilation_y, s.input_height);
        for (int32_t column = 0; column < s.output_width; ++column) {
            at.left = column * s.stride_x - s.pad_x;
            at.columns = inside(at.left, s.width, s.dilation_x, s.input_width);
            for (int32_t channel = 0; channel < fours; channel += 4) {
                int32_t sums[4];

                conv_2d_four(s, at, offset, weights + channel * taps, sums);
                for (int32_t i = channel; i < channel + 4; ++i) {
                    pixel[i] = requantize(
                        sums[i - channel] + bias[i], multiplier[i], exponent[i], s.rounding, range);
                }
            }
            for (int32_t channel = fours; channel < s.output_channels; ++channel) {
                const int32_t first = channel / (s.output_channels / s.groups) * s.depth;
                const int32_t sum = conv_2d_one(s, at, first, offset, weights + channel * taps) + bias[channel];

                pixel[channel] = requantize(sum, multiplier[channel], exponent[channel], s.rounding, range);
            }
            pixel += s.output_channels;
        }
    }
}
