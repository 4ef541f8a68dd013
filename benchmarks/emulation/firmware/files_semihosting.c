/* Files of the host by semihosting: Arm, "Semihosting for AArch32 and AArch64", release 2.0. */
#include "files.h"
#include "semihosting.h"

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_READ = 0x06 };
enum { MODE_RB = 1, MODE_WB = 5 };

int32_t file_open(const char *name, int direction)
{
    uintptr_t block[3];
    uintptr_t length = 0;
    while (name[length] != '\0')
        length++;
    block[0] = (uintptr_t)name;
    block[1] = direction == WRITING ? MODE_WB : MODE_RB;
    block[2] = length;
    return (int32_t)semihosting(SYS_OPEN, block);
}

uint32_t file_read(int32_t file, void *bytes, uint32_t size)
{
    uintptr_t block[3];
    block[0] = (uintptr_t)file;
    block[1] = (uintptr_t)bytes;
    block[2] = size;
    return size - (uint32_t)semihosting(SYS_READ, block); /* the host says how many are lacking */
}

int file_write(int32_t file, const void *bytes, uint32_t size)
{
    uintptr_t block[3];
    block[0] = (uintptr_t)file;
    block[1] = (uintptr_t)bytes;
    block[2] = size;
    return semihosting(SYS_WRITE, block) != 0;
}

int file_close(int32_t file)
{
    uintptr_t block[1];
    block[0] = (uintptr_t)file;
    return semihosting(SYS_CLOSE, block) != 0;
}
