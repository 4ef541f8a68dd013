/*
 * CONV_2D, with DSP instructions: one group, four output channels at a time.
 *
 * The weights of four channels lie together as `dsp.c` says. Where the number of input channels is a multiple of 4,
 * taps outside the input are left out. Where it is not, each window is copied, with the zero point outside, and
 * zeros fill up its last four weights.
 */
#include "dsp.c"
#include "window.c"

struct conv_2d_dsp {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t height, width;
    int32_t stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
    int32_t apart, rounding, full;
    int32_t backward; /* from the last row to the first */
};

/* A window: the pixel of the image at its first tap, which may lie outside, and the taps that lie inside. */
struct conv_2d_dsp_window {
    const int8_t *image;
    int32_t top, left;
    struct span rows, columns;
};

KERNEL void copy_window(const struct conv_2d_dsp s, const struct conv_2d_dsp_window at, int8_t zero, int8_t *copy)
{
    for (int32_t y = 0; y < s.height; ++y) {
        const int8_t *row = at.image + (at.top + y * s.dilation_y) * s.input_width * s.input_channels;

        for (int32_t x = 0; x < s.width; ++x) {
            const int32_t outside = y < at.rows.begin || y >= at.rows.end || x < at.columns.begin || x >= at.columns.end;
            const int8_t *pixel = row + (at.left + x * s.dilation_x) * s.input_channels;

            for (int32_t i = 0; i < s.input_channels; ++i) {
                *copy++ = outside ? zero : pixel[i];
            }
        }
    }
}

KERNEL void sum_window(const struct conv_2d_dsp s, const struct conv_2d_dsp_window at, const int32_t *weights,
    uint32_t pair, struct four_sums *sums)
{
    const int32_t words = s.input_channels / 4;
    const int32_t together = s.dilation_x == 1 ? at.columns.end - at.columns.begin : 1;

    for (int32_t y = at.rows.begin; y < at.rows.end; ++y) {
        for (int32_t x = at.columns.begin; x < at.columns.end; x += together) {
            const int32_t place = (at.top + y * s.dilation_y) * s.input_width + at.left + x * s.dilation_x;

            (void)sum_words(at.image + place * s.input_channels, weights + (y * s.width + x) * words * 4,
                together * words, s.input_channels % 8 ? 1 : 2, s.apart, pair, 0, sums);
        }
    }
}

KERNEL void conv_2d_dsp(const struct conv_2d_dsp s, const int8_t *input, int8_t *output, const int32_t *weights,
    const int32_t *channels, int32_t offset, const struct range range)
{
    const int32_t taps = s.height * s.width * s.input_channels;
    const int32_t words = s.input_channels % 4 ? (taps + 3) / 4 : taps / 4;
    const uint32_t pair = ((uint32_t)offset & 0xffffu) * 0x10001u;
    int8_t copy[s.input_channels % 4 ? words * 4 : 1];
    struct conv_2d_dsp_window at;

    for (int32_t step = 0; step < s.batches * s.output_height; ++step) {
        const int32_t row = s.backward ? s.batches * s.output_height - 1 - step : step;
        int8_t *pixel = output + row * s.output_width * s.output_channels;

        at.image = input + row / s.output_height * s.input_height * s.input_width * s.input_channels;
        at.top = row % s.output_height * s.stride_y - s.pad_y;
        at.rows = inside(at.top, s.height, s.dilation_y, s.input_height);
        for (int32_t column = 0; column < s.output_width; ++column) {
            const int32_t *row_of_weights = weights;
            const struct channel *by = (const struct channel *)channels;

            at.left = column * s.stride_x - s.pad_x;
            at.columns = inside(at.left, s.width, s.dilation_x, s.input_width);
            if (s.input_channels % 4) {
                copy_window(s, at, (int8_t)-offset, copy);
            }
            for (int32_t channel = 0; channel < s.output_channels; channel += 4) {
                struct four_sums sums = { 0, 0, 0, 0 };

                if (s.input_channels % 4) {
                    (void)sum_words(copy, row_of_weights, words, words % 2 ? 1 : 2, s.apart, pair, 0, &sums);
                } else {
                    sum_window(s, at, row_of_weights, pair, &sums);
                }
                write_four(sums, pixel + channel, s.output_channels % 4 ? s.output_channels - channel : 4, by, s.apart,
                    s.rounding, s.full, range);
                row_of_weights += words * 4;
                by += 4;
            }
            pixel += s.output_channels;
        }
    }
}
