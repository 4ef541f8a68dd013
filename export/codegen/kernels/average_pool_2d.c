/* AVERAGE_POOL_2D: the mean of what lies inside the input, halves away from zero. */
#include "element.c"
#include "pool_2d.c"

KERNEL int32_t rounded_quotient(int32_t sum, int32_t count)
{
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

KERNEL void average_pool_2d(
    const struct pool_2d s, const element_t *input, element_t *output, const struct range range)
{
    for (int32_t step = 0; step < s.batches * s.output_height; ++step) {
        const int32_t row = s.backward ? s.batches * s.output_height - 1 - step : step;
        const element_t *image = input + row / s.output_height * s.input_height * s.input_width * s.channels;
        const int32_t top = row % s.output_height * s.stride_y - s.pad_y;
        const struct span rows = inside(top, s.height, 1, s.input_height);
        element_t *pixel = output + row * s.output_width * s.channels;

        for (int32_t column = 0; column < s.output_width; ++column) {
            const int32_t left = column * s.stride_x - s.pad_x;
            const struct span columns = inside(left, s.width, 1, s.input_width);
            const int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);

            for (int32_t channel = 0; channel < s.channels; ++channel) {
                int32_t sum = 0;

                for (int32_t y = top + rows.begin; y < top + rows.end; ++y) {
                    for (int32_t x = left + columns.begin; x < left + columns.end; ++x) {
                        sum += image[(y * s.input_width + x) * s.channels + channel];
                    }
                }
                sum = count == s.height * s.width ? rounded_quotient(sum, s.height * s.width)
                                                  : rounded_quotient(sum, count);
                *pixel++ = (element_t)largest(range.low, least(range.high, sum));
            }
        }
    }
}
