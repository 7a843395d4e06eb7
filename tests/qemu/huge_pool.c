/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's pool of huge pages, read and resized through sysfs. Who sets pages aside, and gives
 * them back however it ends, is the caller's business. */

#include "tests/qemu/huge_pool.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

bool huge_pool_read(const char *name, unsigned *pages)
{
    char path[128];
    FILE *file;
    bool good;

    snprintf(path, sizeof(path), POOL "%s", name);
    file = fopen(path, "re");
    good = file != NULL && fscanf(file, "%u", pages) == 1;
    if (file != NULL) {
        fclose(file);
    }
    return good;
}

/* The number is written by hand, for snprintf() has no place in a signal handler. */
bool huge_pool_resize(unsigned pages)
{
    char text[16];
    size_t at = sizeof(text);
    int fd = open(POOL "nr_hugepages", O_WRONLY | O_CLOEXEC);
    bool good;

    do {
        text[--at] = (char)('0' + pages % 10);
        pages /= 10;
    } while (pages > 0);
    good = fd >= 0 && write(fd, text + at, sizeof(text) - at) == (ssize_t)(sizeof(text) - at);
    if (fd >= 0) {
        close(fd);
    }
    return good;
}
