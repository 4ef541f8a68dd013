/* DEPTHWISE_CONV_2D, with DSP instructions: one filter a channel, four channels at a time. */
#include "dsp.c"
#include "window.c"

struct depthwise_conv_2d_dsp {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width;
    int32_t height, width;
    int32_t stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
    int32_t rounding, full;
    int32_t backward; /* from the last row to the first */
};

/* Add one tap of four channels. */
KERNEL void sum_tap(const int8_t *input, const int8_t *weights, uint32_t pair, struct four_sums *sums)
{
    const uint32_t bytes = load_word(input), factors = load_word(weights);
    const int32_t even = (int32_t)even_bytes(pair, bytes), odd = (int32_t)odd_bytes(pair, bytes);
    const int32_t by_even = (int32_t)even_bytes(0, factors), by_odd = (int32_t)odd_bytes(0, factors);

    sums->first = __smlabb(even, by_even, sums->first);
    sums->second = __smlabb(odd, by_odd, sums->second);
    sums->third = __smlatt(even, by_even, sums->third);
    sums->fourth = __smlatt(odd, by_odd, sums->fourth);
}

/* Add a row of taps of four channels. */
KERNEL void sum_row(const struct depthwise_conv_2d_dsp s, const int8_t *input, const int8_t *weights, int32_t columns,
    uint32_t pair, struct four_sums *sums)
{
    if (columns == s.width) {
#pragma GCC unroll 8
        for (int32_t x = 0; x < s.width; ++x) {
            sum_tap(input + x * s.dilation_x * s.input_channels, weights + x * s.input_channels, pair, sums);
        }
    } else {
        for (int32_t x = 0; x < columns; ++x) {
            sum_tap(input + x * s.dilation_x * s.input_channels, weights + x * s.input_channels, pair, sums);
        }
    }
}

KERNEL void depthwise_conv_2d_dsp(const struct depthwise_conv_2d_dsp s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *channels, int32_t offset, const struct range range)
{
    const uint32_t pair = ((uint32_t)offset & 0xffffu) * 0x10001u;

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
            const struct channel *by = (const struct channel *)channels;

            for (int32_t channel = 0; channel < s.input_channels; channel += 4) {
                struct four_sums sums = { 0, 0, 0, 0 };

                for (int32_t y = 0; y < rows.end - rows.begin; ++y) {
                    sum_row(s, values + y * s.dilation_y * s.input_width * s.input_channels,
                        factors + y * s.width * s.input_channels, columns.end - columns.begin, pair, &sums);
                }
                write_four(sums, pixel, 4, by, 1, s.rounding, s.full, range);
                values += 4;
                factors += 4;
                pixel += 4;
                by += 4;
            }
        }
    }
}
