/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/x86_64/serial.h"

ssize_t write(int fd, const void *buffer, size_t bytes)
{
    (void)fd;
    serial_write(buffer, bytes);
    return (ssize_t)bytes;
}

ssize_t read(int fd, void *buffer, size_t bytes)
{
    (void)fd;
    (void)buffer;
    (void)bytes;
    return 0;
}

int close(int fd)
{
    (void)fd;
    return 0;
}

off_t lseek(int fd, off_t offset, int whence)
{
    (void)fd;
    (void)offset;
    (void)whence;
    errno = ESPIPE;
    return -1;
}

int fstat(int fd, struct stat *status)
{
    (void)fd;
    status->st_mode = S_IFCHR;
    return 0;
}

int isatty(int fd)
{
    return fd <= 2;
}

void *sbrk(ptrdiff_t bytes);
void *sbrk(ptrdiff_t bytes)
{
    static char pool[262144];
    static size_t used;

    if (used + (size_t)bytes > sizeof(pool)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    used += (size_t)bytes;
    return pool + used - (size_t)bytes;
}
