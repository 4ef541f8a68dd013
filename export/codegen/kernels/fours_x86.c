/* The input of FULLY_CONNECTED as dot products of four bytes have it: without a sign, which one with a sign loses as
 * it goes in plus 128, and without the fours that are all 0. */
#include "portable.c"

typedef uint32_t unaligned_uint32 __attribute__((aligned(1), may_alias));

/* Four elements of the input; those beyond it have weights of 0. */
KERNEL int32_t four_at(const int8_t *input, int32_t four, int32_t inputs, int32_t is_unsigned)
{
    uint32_t values = 0;

    if (4 * four + 4 <= inputs) {
        values = *(const unaligned_uint32 *)(input + 4 * four);
    } else {
        for (int32_t i = 0; i < inputs % 4; ++i) {
            values |= (uint32_t)(uint8_t)input[4 * four + i] << (8 * i);
        }
    }
    return (int32_t)(is_unsigned ? values : values ^ 0x80808080u);
}

/* How many fours are not all 0; those beyond the last whole one count as one. */
KERNEL int32_t count_fours(const int8_t *input, int32_t inputs, int32_t is_unsigned)
{
    const uint32_t nothing = is_unsigned ? 0 : 0x80808080u;
    int32_t count = inputs % 4 > 0;

    for (int32_t place = 0; place < inputs / 4; ++place) {
        count += *(const unaligned_uint32 *)(input + 4 * place) != nothing;
    }
    return count;
}

/* Write the fours that are not all 0 and their places; return how many there are. */
KERNEL int32_t fours_of(const int8_t *input, int32_t inputs, int32_t is_unsigned, int32_t *fours, int32_t *places)
{
    int32_t count = 0;

    for (int32_t place = 0; place < (inputs + 3) / 4; ++place) {
        const int32_t four = four_at(input, place, inputs, is_unsigned);

        fours[count] = four;
        places[count] = place;
        count += four != 0;
    }
    return count;
}
