/*
 * FULLY_CONNECTED by dot products of two numbers of 16 bits (WebAssembly); the weights stay bytes until they are used.
 *
 * The weights are [outputs / 32][inputs / 2][8][4][2], with fewer vectors of 4 in the last block, filled up with zeros.
 * Pairs of inputs that are both the zero point are passed over: `scratch` holds the numbers of the others.
 */
#include "fully_connected.c"
#include "vectors_wasm.c"

enum { BLOCK_WASM = 8 };

KERNEL int32_t element_wasm(const int8_t *input, int32_t i, int32_t is_unsigned)
{
    return is_unsigned ? (uint8_t)input[i] : input[i];
}

/* The outputs of some vectors of a block of `block` vectors, whose first sum is the output `first`. */
KERNEL void fully_connected_part_wasm(const struct fully_connected s, int32_t vectors, int32_t block, int32_t first,
    const int16_t *pairs, const int32_t *places, int32_t count, int8_t *output, const int8_t *weights,
    const int32_t *bias, const int32_t *multiplier, const int32_t *power, const struct range range)
{
    sums_wasm sums[8];

#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        sums[v] = load_wasm(bias + first + v * LANES_WASM);
    }
    for (int32_t i = 0; i < count; ++i) {
        const words_wasm values = pairs_wasm(pairs + 2 * i);
        const int8_t *row = weights + places[i] * block * 8;

#pragma GCC unroll 8
        for (int32_t v = 0; v < vectors; ++v) {
            sums[v] = add_products_wasm(sums[v], values, weights_wasm(row + v * 8));
        }
    }
#pragma GCC unroll 8
    for (int32_t v = 0; v < vectors; ++v) {
        const int32_t channel = first + v * LANES_WASM;

        write_wasm(output + channel, s.outputs - channel,
            scale_wasm(sums[v], load_wasm(multiplier + channel), load_wasm(power + channel), s.rounding), range);
    }
}

KERNEL void fully_connected_block_wasm(const struct fully_connected s, int32_t block, int32_t first,
    const int16_t *pairs, const int32_t *places, int32_t count, int8_t *output, const int8_t *weights,
    const int32_t *bias, const int32_t *multiplier, const int32_t *power, const struct range range)
{
    const int32_t vectors = TOGETHER_WASM < block ? TOGETHER_WASM : block;

    for (int32_t v = 0; v < block; v += vectors) {
        fully_connected_part_wasm(s, vectors, block, first + v * LANES_WASM, pairs, places, count, output,
            weights + v * 8, bias, multiplier, power, range);
    }
}

KERNEL void sums_of_rows_wasm(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *power, const int32_t *zero,
    const struct range range, int32_t is_unsigned, uint8_t *scratch)
{
    const int32_t all = (s.inputs + 1) / 2;
    const int32_t whole = (s.outputs + LANES_WASM - 1) / LANES_WASM;
    int32_t *const places = (void *)scratch;
    int16_t *const pairs = (void *)(places + all);

    for (int32_t batch = 0; batch < s.batches; ++batch) {
        int32_t count = 0;
        int32_t v = 0;

        for (int32_t i = 0; i < all; ++i) {
            const int32_t low = element_wasm(input, 2 * i, is_unsigned) - zero[0];
            const int32_t high = 2 * i + 1 < s.inputs ? element_wasm(input, 2 * i + 1, is_unsigned) - zero[0] : 0;

            pairs[2 * count] = (int16_t)low;
            pairs[2 * count + 1] = (int16_t)high;
            places[count] = i;
            count += (low | high) != 0;
        }
        for (; v + BLOCK_WASM <= whole; v += BLOCK_WASM) {
            fully_connected_block_wasm(s, BLOCK_WASM, v * LANES_WASM, pairs, places, count, output,
                weights + v * all * 8, bias, multiplier, power, range);
        }
        if (whole % BLOCK_WASM > 0) {
            fully_connected_block_wasm(s, whole % BLOCK_WASM, v * LANES_WASM, pairs, places, count, output,
                weights + v * all * 8, bias, multiplier, power, range);
        }
        input += s.inputs;
        output += s.outputs;
    }
}

KERNEL void fully_connected_wasm(const struct fully_connected s, const int8_t *input, int8_t *output,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int32_t *power, const int32_t *zero,
    const struct range range, uint8_t *scratch)
{
    sums_of_rows_wasm(s, input, output, weights, bias, multiplier, power, zero, range, 0, scratch);
}
