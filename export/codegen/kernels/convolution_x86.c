/* What the convolutions of both variants for x86 know when they are compiled, and how they cut rows into tiles. */
#include "portable.c"

struct convolution_x86 {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t height, width;
    int32_t stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
    int32_t by_sign;  /* negative sums are rounded the other way */
    int32_t backward; /* from the last image to the first */
};

/* The pixels of a tile, `most` at most, so that a row's tiles are about as long as each other. */
KERNEL int32_t tile_x86(int32_t width, int32_t most)
{
    const int32_t tiles = (width + most - 1) / most;

    return (width + tiles - 1) / tiles;
}
