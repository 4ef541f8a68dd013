/* What AVERAGE_POOL_2D and MAX_POOL_2D share. */
#include "requantize.c"
#include "window.c"

struct pool_2d {
    int32_t batches;
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t height, width;
    int32_t stride_y, stride_x, pad_y, pad_x;
    int32_t backward; /* from the last row to the first */
};
