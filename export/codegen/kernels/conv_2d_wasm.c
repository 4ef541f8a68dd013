/*
 * CONV_2D by dot products of two numbers of 16 bits (WebAssembly): a tile of pixels times four channels a vector.
 *
 * The weights are [channels / 4][height][runs][pairs][4][2]: a run is what lies together in a row of a window,
 * filled up with a zero to whole pairs. The input is copied with a border, less its zero point.
 */
#include "conv_2d.c"
#include "bordered.c"
#include "vectors_wasm.c"

KERNEL void conv_2d_tile_wasm(const struct conv_2d s, int32_t pixels, int32_t vectors, int32_t channel,
    const int16_t *image, int32_t row, int8_t *output, const int8_t *weights, const int32_t *bias,
    const int32_t *multiplier, const int32_t *power, const struct range range)
{
    const int32_t run = s.dilation_x == 1 ? s.width * s.depth : s.depth;
    const int32_t runs = s.dilation_x == 1 ? 1 : s.width;
    const int32_t pairs = (run + 1) / 2;
    const int32_t block = s.height * runs * pairs * 8;
    sums_wasm sums[4][2];

#pragma GCC unroll 4
    for (int32_t p = 0; p < pixels; ++p) {
#pragma GCC unroll 2
        for (int32_t v = 0; v < vectors; ++v) {
            sums[p][v] = load_wasm(bias + channel + v * LANES_WASM);
        }
    }
    weights += channel / LANES_WASM * block;
    for (int32_t y = 0; y < s.height; ++y) {
        for (int32_t x = 0; x < runs; ++x) {
            const int16_t *taps = image + y * s.dilation_y * row + x * s.dilation_x * s.input_channels;

            for (int32_t q = 0; q < pairs; ++q) {
                words_wasm w[2];

#pragma GCC unroll 2
                for (int32_t v = 0; v < vectors; ++v) {
                    w[v] = weights_wasm(weights + v * block);
                }
#pragma GCC unroll 4
                for (int32_t p = 0; p < pixels; ++p) {
                    const words_wasm values = pairs_wasm(taps + p * s.stride_x * s.input_channels + 2 * q);

#pragma GCC unroll 2
                    for (int32_t v = 0; v < vectors; ++v) {
                        sums[p][v] = add_products_wasm(sums[p][v], values, w[v]);
                    }
                }
                weights += 8;
            }
        }
    }
#pragma GCC unroll 2
    for (int32_t v = 0; v < vectors; ++v) {
        const int32_t first = channel + v * LANES_WASM;
        const sums_wasm by = load_wasm(multiplier + first), down = load_wasm(power + first);

#pragma GCC unroll 4
        for (int32_t p = 0; p < pixels; ++p) {
            write_wasm(output + p * s.output_channels + first, s.output_channels - first,
                scale_wasm(sums[p][v], by, down, s.rounding), range);
        }
    }
}

/* A row of the output, as many pixels at once as there are registers for. */
KERNEL void conv_2d_row_wasm(const struct conv_2d s, int32_t pixels, int32_t vectors, int32_t channel,
    const int16_t *image, int32_t row, int8_t *output, const int8_t *weights, const int32_t *bias,
    const int32_t *multiplier, const int32_t *power, const struct range range)
{
    const int32_t step = s.stride_x * s.input_channels;
    int32_t x = 0;

    for (; x + pixels <= s.output_width; x += pixels) {
        conv_2d_tile_wasm(s, pixels, vectors, channel, image + x * step, row, output + x * s.output_channels, weights,
            bias, multiplier, power, range);
    }
    if (s.output_width % pixels > 0) {
        conv_2d_tile_wasm(s, s.output_width % pixels, vectors, channel, image + x * step, row,
            output + x * s.output_channels, weights, bias, multiplier, power, range);
    }
}

KERNEL void conv_2d_wasm(const struct conv_2d s, const int8_t *input, int8_t *output, const int8_t *weights,
    const int32_t *bias, const int32_t *multiplier, const int32_t *power, int32_t offset, const struct range range,
    uint8_t *scratch)
{
    const struct bordered b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };
    const int32_t row = b.width * b.channels;
    const int32_t pixels = TOGETHER_WASM > 1 ? 4 : 1;
    const int32_t two = TOGETHER_WASM > 1 ? 2 : 1;
    int16_t *const padded = (void *)scratch;
    const int32_t whole = (s.output_channels + LANES_WASM - 1) / LANES_WASM;

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, 2, scratch);
        for (int32_t step = 0; step < s.output_height; ++step) {
            const int32_t y = s.backward ? s.output_height - 1 - step : step;
            const int16_t *image = padded + y * s.stride_y * row;
            int8_t *line = output + (batch * s.output_height + y) * s.output_width * s.output_channels;

            for (int32_t v = 0; v + two <= whole; v += two) {
                conv_2d_row_wasm(
                    s, pixels, two, v * LANES_WASM, image, row, line, weights, bias, multiplier, power, range);
            }
            if (whole % two > 0) {
                conv_2d_row_wasm(
                    s, pixels, 1, (whole - 1) * LANES_WASM, image, row, line, weights, bias, multiplier, power, range);
            }
        }
    }
}
