/* DEPTHWISE_CONV_2D of one filter a channel, eight channels at once (NEON); their number is a multiple of eight. */
#include "depthwise_conv_2d.c"
#include "sum_four_neon.c"

KERNEL void depthwise_conv_2d_neon(const struct depthwise_conv_2d s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *exponent, int32_t offset,
    const struct range range)
{
    for (int32_t step = 0; step < s.batches * s.output_height; ++step) {
        const int32_t row = s.backward ? s.batches * s.output_height - 1 - step : step;
        const int8_t *image = input + row / s.output_height * s.input_height * s.input_width * s.input_channels;
        const int32_t top = row % s.output_height * s.stride_y - s.pad_y;
        const struct span rows = inside(top, s.height, s.dilation_y, s.input_height);
        int8_t *pixel = output + row * s.output_width * s.output_channels;

        for (int32_t column = 0; column < s.output_width; ++column) {
            const int32_t left = column * s.stride_x - s.pad_x;
            const struct span columns = inside(left, s.width, s.dilation_x, s.input_width);

            for (int32_t i = 0; i < s.output_channels; i += 8) {
                int32x4_t low = vld1q_s32(bias + i), high = vld1q_s32(bias + i + 4);

                for (int32_t y = rows.begin; y < rows.end; ++y) {
                    for (int32_t x = columns.begin; x < columns.end; ++x) {
                        const int32_t place = (top + y * s.dilation_y) * s.input_width + left + x * s.dilation_x;
                        const int16x8_t values = eight_neon(image + place * s.input_channels + i, offset, 0);
                        const int16x8_t by = vmovl_s8(vld1_s8(weights + (y * s.width + x) * s.output_channels + i));

                        low = vmlal_s16(low, vget_low_s16(values), vget_low_s16(by));
                        high = vmlal_high_s16(high, values, by);
                    }
                }
                requantize_neon(pixel + i, low, multiplier + i, exponent + i, s.rounding, range);
                requantize_neon(pixel + i + 4, high, multiplier + i + 4, exponent + i + 4, s.rounding, range);
            }
            pixel += s.output_channels;
        }
    }
}
