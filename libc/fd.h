/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Open files, between the files of libc/ that serve <unistd.h>, <fcntl.h> and <dirent.h>. Programs
 * see none of this. Called from tasks; a task is not interrupted by another while it is in here,
 * except in a read of the console.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "kernel/cpio.h"

/* Descriptors at one time; newlib's OPEN_MAX says the same. */
#define FD_MAX 64

struct stat;

/* What POSIX calls an open file description: several descriptors may have it in common. */
struct fd_file {
    unsigned users; /* descriptors; 0: free */
    bool is_console;
    int flags;             /* of open() */
    off_t offset;          /* in a directory: how far its listing is */
    struct cpio_node node; /* what is open, unless it is the console */
};

/* Sets errno and returns -1. */
int fd_fail(int error);

/* Opens something of the initrd under the lowest free descriptor; -1 with EMFILE. */
int fd_open(const struct cpio_node *node, int flags);

/* What is open under a descriptor; null with EBADF. */
struct fd_file *fd_get(int fd);

/* What stat() says about something in the initrd. */
void fd_describe(const struct cpio_node *node, struct stat *out);
