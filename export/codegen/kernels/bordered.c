/*
 * An image with a border of its zero point around it, so that no window leaves it.
 *
 * Elements of two bytes are less their zero point, those of one plus 128. `above` and `left` are the border's sizes; the
 * window walks `height` by `width` pixels of the copy.
 */
#include "portable.c"

struct bordered {
    int32_t height, width, channels;
    int32_t above, left;
};

KERNEL void bordered_elements(const int8_t *input, int32_t count, int32_t more, int32_t size, uint8_t *copy)
{
    if (size == 1) {
        for (int32_t i = 0; i < count; ++i) {
            copy[i] = (uint8_t)(input[i] + more);
        }
    } else {
        int16_t *const to = (void *)copy;

        for (int32_t i = 0; i < count; ++i) {
            to[i] = (int16_t)(input[i] + more);
        }
    }
}

KERNEL void bordered_edge(int32_t count, int32_t value, int32_t size, uint8_t *copy)
{
    for (int32_t i = 0; i < count * size; ++i) {
        copy[i] = (uint8_t)value; /* 0 in two bytes */
    }
}

KERNEL void bordered(const struct bordered b, const int8_t *input, int32_t input_height, int32_t input_width,
    int32_t offset, int32_t size, uint8_t *copy)
{
    const int32_t more = size == 1 ? 128 : offset, edge = size == 1 ? 128 - offset : 0;
    const int32_t row = b.width * b.channels, left = b.left * b.channels;
    const int32_t taken = (b.width - b.left < input_width ? b.width - b.left : input_width) * b.channels;

    for (int32_t y = 0; y < b.height; ++y) {
        const int32_t from = y - b.above;
        uint8_t *to = copy + y * row * size;

        if (from < 0 || from >= input_height) {
            bordered_edge(row, edge, size, to);
            continue;
        }
        bordered_edge(left, edge, size, to);
        bordered_elements(input + from * input_width * b.channels, taken, more, size, to + left * size);
        bordered_edge(row - left - taken, edge, size, to + (left + taken) * size);
    }
}
