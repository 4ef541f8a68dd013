/* The value between two of a table's 513 that stand for -32768, -32640, ..., 32768. */
#include "portable.c"

KERNEL int32_t interpolate(const int16_t *table, int32_t value)
{
    const int16_t *base = table + 256 + (value >> 7);

    return base[0] + (((base[1] - base[0]) * (value & 127) + 64) >> 7);
}
