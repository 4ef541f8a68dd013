/* CONV_2D on the tables of plain C, four channels at once (NEON); those left over as there. */
#include "conv_2d.c"
#include "sum_four_neon.c"

KERNEL int32x4_t conv_2d_four_neon(const struct conv_2d s, const struct conv_2d_window at, int32_t offset,
    const int8_t *weights, int32x4_t sums)
{
    const int32_t together = s.dilation_x == 1 ? at.columns.end - at.columns.begin : 1;

    for (int32_t y = at.rows.begin; y < at.rows.end; ++y) {
        for (int32_t x = at.columns.begin; x < at.columns.end; x += together) {
            const int32_t place = (at.top + y * s.dilation_y) * s.input_width + at.left + x * s.dilation_x;

            sums = sum_four_neon(at.image + place * s.input_channels, weights + (y * s.width + x) * s.depth * 4,
                together * s.depth, offset, sums);
        }
    }
    return sums;
}

KERNEL void conv_2d_neon(const struct conv_2d s, const int8_t *input, int8_t *output, const int8_t *weights,
    const int32_t *bias, const int32_t *multiplier, const int8_t *exponent, int32_t offset, const struct range range)
{
    const int32_t taps = s.height * s.width * s.depth, fours = s.output_channels / 4 * 4;
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
            for (int32_t i = 0; i < fours; i += 4) {
                requantize_neon(pixel + i,
                    conv_2d_four_neon(s, at, offset, weights + i * taps, vld1q_s32(bias + i)), multiplier + i,
                    exponent + i, s.rounding, range);
            }
            for (int32_t i = fours; i < s.output_channels; ++i) {
                const int32_t sum = conv_2d_one(s, at, 0, offset, weights + i * taps) + bias[i];

                pixel[i] = requantize(sum, multiplier[i], exponent[i], s.rounding, range);
            }
            pixel += s.output_channels;
        }
    }
}
