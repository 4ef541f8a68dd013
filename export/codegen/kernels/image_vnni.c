/*
 * An image with a border of its zero point around it, its values plus 128, so that no window leaves it.
 *
 * `above` and `left` are the border's sizes; the window walks `height` by `width` pixels of the copy.
 */
#include "portable.c"

struct bordered_vnni {
    int32_t height, width, channels;
    int32_t above, left;
};

KERNEL void bordered_vnni(const struct bordered_vnni b, const int8_t *input, int32_t input_height, int32_t input_width,
    int32_t zero, uint8_t *copy)
{
    const int32_t row = b.width * b.channels;
    const int32_t taken = b.width - b.left < input_width ? b.width - b.left : input_width;

    for (int32_t y = 0; y < b.height; ++y) {
        const int32_t from = y - b.above;
        uint8_t *to = copy + y * row;

        if (from < 0 || from >= input_height) {
            for (int32_t i = 0; i < row; ++i) {
                to[i] = (uint8_t)(zero + 128);
            }
            continue;
        }
        for (int32_t i = 0; i < b.left * b.channels; ++i) {
            to[i] = (uint8_t)(zero + 128);
        }
        for (int32_t i = 0; i < taken * b.channels; ++i) {
            to[b.left * b.channels + i] = (uint8_t)(input[from * input_width * b.channels + i] + 128);
        }
        for (int32_t i = (b.left + taken) * b.channels; i < row; ++i) {
            to[i] = (uint8_t)(zero + 128);
        }
    }
}
