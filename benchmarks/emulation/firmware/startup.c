/* What runs before main on any Cortex-M: the vector table, memory, the floating-point and vector unit. */
#include <stdint.h>

#include "semihosting.h"

enum { SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026, FAULT = 70 };

extern uint32_t stack_top[], data_load[], data_begin[], data_end[], bss_begin[], bss_end[];

int main(void);

static void leave(int exit_code)
{
    uintptr_t block[2];
    block[0] = APPLICATION_EXIT;
    block[1] = (uintptr_t)exit_code;
    for (;;)
        semihosting(SYS_EXIT_EXTENDED, block);
}

static void fault(void)
{
    leave(FAULT);
}

void reset(void)
{
    const uint32_t *from = data_load;
    uint32_t *to;
    for (to = data_begin; to < data_end; to++)
        *to = *from++;
    for (to = bss_begin; to < bss_end; to++)
        *to = 0;
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: coprocessors 10 and 11, full access */
    __asm__ volatile("dsb\n\tisb");
#endif
    leave(main());
}

typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector;

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    {.stack = stack_top}, {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault},   {.handler = fault}, {.handler = fault}, {.handler = fault},
    {.handler = fault},   {.handler = fault}, {.handler = fault}, {.handler = fault},
    {.handler = fault},   {.handler = fault}, {.handler = fault}, {.handler = fault},
};
