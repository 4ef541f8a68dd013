/*
 * CONV_2D by dot products of four bytes (AVX-VNNI), in the tiles of AVX2.
 *
 * The weights are [channels / 8][height][runs][quads][8][4]: a run is what lies together in a row of a window,
 * filled up with zeros to whole quads. The input is copied with a border and plus 128; what both add is part of the
 * bias.
 */
#include "conv_2d_avx2.c"

KERNEL void conv_2d_avxvnni(const struct convolution_x86 s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *after, int32_t offset, const struct range range, uint8_t *scratch)
{
    const struct bordered b = { (s.output_height - 1) * s.stride_y + (s.height - 1) * s.dilation_y + 1,
        (s.output_width - 1) * s.stride_x + (s.width - 1) * s.dilation_x + 1, s.input_channels, s.pad_y, s.pad_x };

    for (int32_t number = 0; number < s.batches; ++number) {
        const int32_t batch = s.backward ? s.batches - 1 - number : number;

        bordered(b, input + batch * s.input_height * s.input_width * s.input_channels, s.input_height,
            s.input_width, offset, 1, scratch);
        conv_2d_channels_avx2(s, 1, scratch, b.width * b.channels,
            output + batch * s.output_height * s.output_width * s.output_channels, weights, after, range);
    }
}
