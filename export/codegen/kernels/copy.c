/*
 * Elements moved from one place to another: TRANSPOSE, STRIDED_SLICE, SPLIT, CONCATENATION, PAD.
 *
 * Four axes with any strides, in bytes, and runs of `bytes` bytes; `from` and `to` are where the first element lies.
 */
#include "portable.c"

struct copy {
    int32_t size0, size1, size2, size3;
    int32_t from0, from1, from2, from3;
    int32_t to0, to1, to2, to3;
    int32_t bytes;
};

KERNEL void copy(const struct copy s, const uint8_t *input, uint8_t *output, int32_t from, int32_t to)
{
    for (int32_t i = 0; i < s.size0; ++i) {
        for (int32_t j = 0; j < s.size1; ++j) {
            for (int32_t k = 0; k < s.size2; ++k) {
                for (int32_t l = 0; l < s.size3; ++l) {
                    const uint8_t *read = input + (from + i * s.from0 + j * s.from1 + k * s.from2 + l * s.from3);
                    uint8_t *written = output + (to + i * s.to0 + j * s.to1 + k * s.to2 + l * s.to3);

                    for (int32_t byte = 0; byte < s.bytes; ++byte) {
                        written[byte] = read[byte];
                    }
                }
            }
        }
    }
}
