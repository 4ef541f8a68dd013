/* Files under an operating system. */
#include <stdio.h>

#include "files.h"

enum { MOST = 4 };

static FILE *opened[MOST];

int32_t file_open(const char *name, int direction)
{
    int32_t file;
    for (file = 0; file < MOST && opened[file] != NULL; file++)
        continue;
    if (file == MOST)
        return -1;
    opened[file] = fopen(name, direction == WRITING ? "wb" : "rb");
    return opened[file] == NULL ? -1 : file;
}

uint32_t file_read(int32_t file, void *bytes, uint32_t size)
{
    return (uint32_t)fread(bytes, 1, size, opened[file]);
}

int file_write(int32_t file, const void *bytes, uint32_t size)
{
    return fwrite(bytes, 1, size, opened[file]) != size;
}

int file_close(int32_t file)
{
    return fclose(opened[file]);
}
