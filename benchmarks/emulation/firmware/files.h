/* How the harness reaches files on the host: through semihosting on a board, else through stdio. */
#ifndef FILES_H
#define FILES_H

#include <stdint.h>

enum { READING, WRITING };

/* Return a handle, or -1. */
int32_t file_open(const char *name, int direction);

/* Return how many bytes were read; fewer than asked for only at the end of the file. */
uint32_t file_read(int32_t file, void *bytes, uint32_t size);

/* Return 0 if all bytes were written. */
int file_write(int32_t file, const void *bytes, uint32_t size);

/* Return 0 if the file is complete. */
int file_close(int32_t file);

#endif
