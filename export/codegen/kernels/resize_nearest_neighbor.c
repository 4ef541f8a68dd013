/* RESIZE_NEAREST_NEIGHBOR: for each pixel of the output one of the input, by tables of rows and columns. */
#include "portable.c"

struct resize_nearest_neighbor {
    int32_t batches;
    int32_t input_height, input_width;
    int32_t output_height, output_width;
    int32_t bytes; /* of a pixel */
};

KERNEL void resize_nearest_neighbor(const struct resize_nearest_neighbor s, const uint8_t *input, uint8_t *output,
    const int16_t *rows, const int16_t *columns)
{
    for (int32_t batch = 0; batch < s.batches; ++batch) {
        for (int32_t y = 0; y < s.output_height; ++y) {
            const uint8_t *row = input + (batch * s.input_height + rows[y]) * s.input_width * s.bytes;

            for (int32_t x = 0; x < s.output_width; ++x) {
                const uint8_t *pixel = row + columns[x] * s.bytes;

                for (int32_t byte = 0; byte < s.bytes; ++byte) {
                    *output++ = pixel[byte];
                }
            }
        }
    }
}
