/*
 * DEPTHWISE_CONV_2D, with vector instructions: one filter a channel, eight channels at a time.
 *
 * The table `channels` is that of `mve.c`, but for the zero point, with the channels 0, 2, 4, 6, 1, 3, 5, 7 of eight
 * in this order.
 */
#include "mve.c"
#include "window.c"

struct depthwise_conv_2d_mve {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width;
    int32_t height, width;
    int32_t stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
    int32_t rounding;
    int32_t backward; /* from the last row to the first */
};

struct eight_sums {
    int32x4_t even, odd;
};

/* The sums of eight channels over the taps of a window that lie inside, from the first of each on. */
KERNEL struct eight_sums sum_taps_mve(const struct depthwise_conv_2d_mve s, const int8_t *input,
    const int8_t *weights, int32_t rows, int32_t columns, int16_t offset)
{
    struct eight_sums sums = { vdupq_n_s32(0), vdupq_n_s32(0) };

    for (int32_t y = 0; y < rows; ++y) {
        const int8_t *value = input + y * s.dilation_y * s.input_width * s.input_channels;
        const int8_t *weight = weights + y * s.width * s.input_channels;

        for (int32_t x = 0; x < columns; ++x) {
            const int16x8_t values = vaddq_n_s16(vldrbq_s16(value), offset), factors = vldrbq_s16(weight);

            sums.even = vaddq_s32(sums.even, vmullbq_int_s16(values, factors));
            sums.odd = vaddq_s32(sums.odd, vmulltq_int_s16(values, factors));
            value += s.dilation_x * s.input_channels;
            weight += s.input_channels;
        }
    }
    return sums;
}

KERNEL void depthwise_conv_2d_mve(const struct depthwise_conv_2d_mve s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *channels, int32_t offset, const struct range range)
{
    for (int32_t step = 0; step < s.batches * s.output_height; ++step) {
        const int32_t row = s.backward ? s.batches * s.output_height - 1 - step : step;
        const int8_t *image = input + row / s.output_height * s.input_height * s.input_width * s.input_channels;
        const int32_t top = row % s.output_height * s.stride_y - s.pad_y;
        const struct span rows = inside(top, s.height, s.dilation_y, s.input_height);
        int8_t *pixel = output + row * s.output_width * s.input_channels;

        for (int32_t column = 0; column < s.output_width; ++column) {
            const int32_t left = column * s.stride_x - s.pad_x;
            const struct span columns = inside(left, s.width, s.dilation_x, s.input_width);
            const int32_t place = (top + rows.begin * s.dilation_y) * s.input_width + left + columns.begin * s.dilation_x;
            const int8_t *values = image + place * s.input_channels;
            const int8_t *factors = weights + (rows.begin * s.width + columns.begin) * s.input_channels;
            const int32_t whole = columns.end - columns.begin == s.width;
            const int32_t *by = channels;

            for (int32_t channel = 0; channel < s.input_channels; channel += 8) {
                const struct eight_sums sums =
                    sum_taps_mve(s, values, factors, rows.end - rows.begin,
                        whole ? s.width : columns.end - columns.begin, (int16_t)offset);
                int16x8_t eight = vdupq_n_s16(0);

                eight = vqmovnbq_s32(eight, scale_four(sums.even, by, s.rounding));
                eight = vqmovntq_s32(eight, scale_four(sums.odd, by + 12, s.rounding));
                eight = vqaddq_n_s16(eight, (int16_t)range.zero);
                eight = vminq_s16(eight, vdupq_n_s16((int16_t)range.high));
                vstrbq_s16(pixel, vmaxq_s16(eight, vdupq_n_s16((int16_t)range.low)));
                values += 8;
                factors += 8;
                pixel += 8;
                by += 24;
            }
        }
    }
}
