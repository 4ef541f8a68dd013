/* A request to the debugger or emulator that a Cortex-M runs in. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

static inline uintptr_t semihosting(uint32_t operation, const void *block)
{
    register uintptr_t answer __asm__("r0") = operation;
    register const void *argument __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(answer) : "r"(argument) : "memory");
    return answer;
}

#endif
