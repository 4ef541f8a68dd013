/* The serial line of Arm's MPS2 boards: the CMSDK UART, as QEMU has it too. */
#include <stdint.h>

#define UART(offset) (*(volatile uint32_t *)(UART0 + (offset)))

int selftest_getchar(void)
{
    UART(8) = 3;    /* transmitter and receiver on */
    UART(0x10) = 16; /* the divider, at least 16 */
    while ((UART(4) & 2u) == 0) {
    }
    return (int)(UART(0) & 0xFFu);
}

void selftest_putchar(int byte)
{
    while ((UART(4) & 1u) != 0) {
    }
    UART(0) = (uint32_t)byte;
}
