/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <unistd.h>

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
