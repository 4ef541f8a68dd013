/*
 * The type of an activation's elements. The generator never writes this: it writes the kernel with int8_t in place of
 * it, or with int16_t, and then all that is defined in the kernel's file has a name that ends in _int16.
 */
#include <stdint.h>

typedef int8_t element_t;
