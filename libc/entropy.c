/* SPDX-License-Identifier: BSD-2-Clause */
/* getentropy(), on which newlib's arc4random() stands. */

#define _DEFAULT_SOURCE 1 /* POSIX beside ISO C */

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "kernel/entropy.h"

#define BYTES_MAX 256U /* more is EIO [POSIX.1-2024, getentropy] */

int getentropy(void *buffer, size_t bytes)
{
    if (bytes > BYTES_MAX || entropy_fill(buffer, bytes) != OK) {
        errno = EIO;
        return -1;
    }
    return 0;
}
