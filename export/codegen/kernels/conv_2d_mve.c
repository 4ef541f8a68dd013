/*
 * CONV_2D, with vector instructions: one group, neighbouring columns.
 *
 * The tables are those of `mve.c`; each row of a filter begins a vector. A window that is not whole is copied, with
 * the zero point outside. Where rows are far shorter than vectors, all windows are copied, without gaps.
 */
#include "mve.c"
#include "window.c"

struct conv_2d_mve {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t height, width;
    int32_t stride_y, stride_x, dilation_y, pad_y, pad_x;
    int32_t padded;  /* whether there are windows that are not whole */
    int32_t gapless; /* whether a filter is one row of all its taps */
    int32_t rounding;
    int32_t backward; /* from the last row to the first */
};

/*
 * Copy a window, `next` bytes from row to row; `top` and `left` are its first tap, which may lie outside. Whole vectors
 * are written, the next row over what is too much.
 */
KERNEL void copy_window_mve(const struct conv_2d_mve s, const int8_t *image, int32_t top, int32_t left, int8_t zero,
    int32_t next, int8_t *copy)
{
    const int32_t run = s.width * s.input_channels;
    const struct span rows = inside(top, s.height, s.dilation_y, s.input_height);
    const struct span columns = inside(left, s.width, 1, s.input_width);
    const int8x16_t filling = vdupq_n_s8(zero);

    for (int32_t y = 0; y < s.height; ++y) {
        const int32_t place = (top + y * s.dilation_y) * s.input_width + left;

        for (int32_t i = 0; i < run; i += 16) {
            const int32_t end = y < rows.begin || y >= rows.end ? 0 : columns.end * s.input_channels - i;
            const mve_pred16_t before = vctp8q((uint32_t)largest(0, columns.begin * s.input_channels - i));
            const mve_pred16_t within = (mve_pred16_t)(vctp8q((uint32_t)largest(0, end)) & ~before);
            const int8x16_t values = vldrbq_z_s8(image + place * s.input_channels + i, within);

            vstrbq_s8(copy + i, vpselq_s8(values, filling, within));
        }
        copy += next;
    }
}

KERNEL void conv_2d_mve(const struct conv_2d_mve s, const int8_t *input, int8_t *output, const int8_t *weights,
    const int32_t *channels, int32_t offset, const struct range range)
{
    const int32_t rows = s.gapless ? 1 : s.height;
    const int32_t run = s.width * s.input_channels * (s.gapless ? s.height : 1), vectors = (run + 15) / 16;
    int8_t copy[s.gapless || s.padded ? rows * vectors * 16 + 16 : 1];

    for (int32_t step = 0; step < s.batches * s.output_height; ++step) {
        const int32_t row = s.backward ? s.batches * s.output_height - 1 - step : step;
        const int8_t *image = input + row / s.output_height * s.input_height * s.input_width * s.input_channels;
        const int32_t top = row % s.output_height * s.stride_y - s.pad_y;
        const int32_t rows_inside = top >= 0 && top + (s.height - 1) * s.dilation_y < s.input_height;
        int8_t *pixel = output + row * s.output_width * s.output_channels;

        for (int32_t column = 0; column < s.output_width; ++column) {
            const int32_t left = column * s.stride_x - s.pad_x;
            const int8_t *window = image + (top * s.input_width + left) * s.input_channels;
            const int8_t *filters = weights;
            const int32_t *by = channels;
            int32_t next_row = s.dilation_y * s.input_width * s.input_channels;

            if (s.gapless || (s.padded && !(rows_inside && left >= 0 && left + s.width <= s.input_width))) {
                next_row = s.gapless ? s.width * s.input_channels : vectors * 16;
                copy_window_mve(s, image, top, left, (int8_t)-offset, next_row, copy);
                window = copy;
            }
            for (int32_t channel = 0; channel < s.output_channels; channel += 4) {
                const int8_t *values = window;
                int32_t sums[4] = { 0, 0, 0, 0 };

                for (int32_t y = 0; y < rows; ++y) {
                    sum_vectors(values, filters, run, 0, sums);
                    values += next_row;
                    filters += vectors * 64;
                }
                write_four_mve(sums, pixel + channel, s.output_channels % 4 ? s.output_channels - channel : 4, by,
                    s.rounding, range);
                by += 12;
            }
            pixel += s.output_channels;
        }
    }
}
