/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages: a buffer of whole huge pages, half of which is given back. What is free belongs to the
 * host again, which is told by itself. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <aerostat.h>

#define BYTES (8 * AEROSTAT_HUGE_BYTES)

static unsigned in_use_mib(void)
{
    struct aerostat_memory memory;

    aerostat_memory(&memory);
    return (unsigned)(memory.in_use_bytes >> 20);
}

int main(void)
{
    unsigned before = in_use_mib();
    char *buffer = aerostat_pages_alloc(BYTES, AEROSTAT_HUGE_BYTES);

    if (buffer == NULL) {
        printf("there is no such piece of memory\n");
        return 1;
    }
    memset(buffer, 'x', BYTES);
    printf("%u MiB more in use, %u bytes behind a huge page's begin\n", in_use_mib() - before,
           (unsigned)((uintptr_t)buffer % AEROSTAT_HUGE_BYTES));
    /* Pages may be given back at the end, or in the middle. */
    aerostat_pages_free(buffer + BYTES / 2, BYTES / 2);
    printf("%u MiB more in use\n", in_use_mib() - before);
    aerostat_pages_free(buffer, BYTES / 2);
    printf("%u MiB more in use\n", in_use_mib() - before);
    return 0;
}
