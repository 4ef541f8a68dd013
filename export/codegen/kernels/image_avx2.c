/*
 * An image with a border of its zero point around it, its values less their zero point in
 * 16 bits, so that no window leaves it.
 *
 * `above` and `left` are the border's sizes; the window walks `height` by `width` pixels of the copy.
 */
#include "portable.c"

struct bordered_avx2 {
    int32_t height, width, channels;
    int32_t above, left;
};

KERNEL void bordered_avx2(const struct bordered_avx2 b, const int8_t *input, int32_t input_height, int32_t input_width,
    int32_t offset, int16_t *copy)
{
    const int32_t row = b.width * b.channels;
    const int32_t taken = b.width - b.left < input_width ? b.width - b.left : input_width;

    for (int32_t y = 0; y < b.height; ++y) {
        const int32_t from = y - b.above;
        int16_t *to = copy + y * row;

        if (from < 0 || from >= input_height) {
            for (int32_t i = 0; i < row; ++i) {
                to[i] = 0;
            }
            continue;
        }
        for (int32_t i = 0; i < b.left * b.channels; ++i) {
            to[i] = 0;
        }
        for (int32_t i = 0; i < taken * b.channels; ++i) {
            to[b.left * b.channels + i] = (int16_t)(input[from * input_width * b.channels + i] + offset);
        }
        for (int32_t i = (b.left + taken) * b.channels; i < row; ++i) {
            to[i] = 0;
        }
    }
}
