/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that begins with a path. Paths are those of the initrd, which is read-only: whatever
 * would change it fails with EROFS, after the errors that it would have anyway. There are no
 * owners; every program may read every file.
 */

#define _GNU_SOURCE 1 /* more than ISO C, whose names -std=c11 leaves alone */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bits.h"

#include "kernel/initrd.h"
#include "libc/fd.h"

/* Where paths without "/" in front begin. All tasks have it in common. */
static struct cpio_node *working_directory(void)
{
    static struct cpio_node directory;

    if (directory.mode == 0) {
        directory = cpio_root(initrd_tree());
    }
    return &directory;
}

/* The errno of a path; 0: it was found. */
static int find(const char *path, enum cpio_last last, struct cpio_node *node)
{
    switch (cpio_find(initrd_tree(), working_directory(), path, last, node)) {
    case CPIO_FOUND:
        return 0;
    case CPIO_MISSING:
        return ENOENT;
    case CPIO_NOT_A_DIRECTORY:
        return ENOTDIR;
    case CPIO_LOOP:
        return ELOOP;
    case CPIO_TOO_LONG:
        return ENAMETOOLONG;
    }
    ASSERT(false);
    return EIO;
}

/* ---- opening ---- */

/* Why something that is there cannot be opened; 0: it can. */
static int open_error(const struct cpio_node *node, int flags)
{
    bool for_writing = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;

    if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        return EEXIST;
    }
    if (S_ISLNK(node->mode)) {
        return ELOOP; /* O_NOFOLLOW */
    }
    if (S_ISDIR(node->mode)) {
        return for_writing || (flags & O_CREAT) != 0 ? EISDIR : 0;
    }
    if ((flags & O_DIRECTORY) != 0) {
        return ENOTDIR;
    }
    if (for_writing) {
        return EROFS;
    }
    return S_ISREG(node->mode) ? 0 : ENXIO; /* no device is behind a device's name */
}

int open(const char *path, int flags, ...)
{
    enum cpio_last last = (flags & O_NOFOLLOW) != 0 ? CPIO_NO_FOLLOW : CPIO_FOLLOW;
    struct cpio_node node;
    int error = find(path, last, &node);

    if (error == 0) {
        error = open_error(&node, flags);
    } else if (error == ENOENT && (flags & O_CREAT) != 0) {
        error = EROFS;
    }
    return error != 0 ? fd_fail(error) : fd_open(&node, flags);
}

/* ---- questions ---- */

int stat(const char *restrict path, struct stat *restrict out)
{
    struct cpio_node node;
    int error = find(path, CPIO_FOLLOW, &node);

    if (error != 0) {
        return fd_fail(error);
    }
    fd_describe(&node, out);
    return 0;
}

int access(const char *path, int mode)
{
    struct cpio_node node;
    int error = find(path, CPIO_FOLLOW, &node);

    if (error == 0 && (mode & ~(R_OK | W_OK | X_OK)) != 0) {
        error = EINVAL;
    } else if (error == 0 && (mode & W_OK) != 0) {
        error = EROFS;
    } else if (error == 0 && (mode & X_OK) != 0 && (node.mode & 0111U) == 0) {
        error = EACCES;
    }
    return error != 0 ? fd_fail(error) : 0;
}

ssize_t readlink(const char *restrict path, char *restrict buffer, size_t bytes)
{
    struct cpio_node node;
    int error = find(path, CPIO_NO_FOLLOW, &node);

    if (error != 0 || !S_ISLNK(node.mode)) {
        return fd_fail(error != 0 ? error : EINVAL);
    }
    bytes = min_u64(bytes, node.data.length);
    memcpy(buffer, node.data.start, bytes);
    return (ssize_t)bytes;
}

/* ---- the working directory ---- */

int chdir(const char *path)
{
    struct cpio_node node;
    int error = find(path, CPIO_FOLLOW, &node);

    if (error == 0 && !S_ISDIR(node.mode)) {
        error = ENOTDIR;
    }
    if (error != 0) {
        return fd_fail(error);
    }
    *working_directory() = node;
    return 0;
}

char *getcwd(char *buffer, size_t bytes)
{
    const struct cpio_text *path = &working_directory()->path;

    if (buffer == NULL || bytes == 0) {
        errno = EINVAL;
        return NULL;
    }
    if (bytes < path->length + 2) {
        errno = ERANGE;
        return NULL;
    }
    buffer[0] = '/';
    memcpy(buffer + 1, path->start, path->length);
    buffer[path->length + 1] = '\0';
    return buffer;
}

/* ---- what is refused ---- */

/* Changes something that must be there. */
static int refuse_change(const char *path, enum cpio_last last)
{
    struct cpio_node node;
    int error = find(path, last, &node);

    return fd_fail(error != 0 ? error : EROFS);
}

/* Makes something that must not be there. */
static int refuse_new(const char *path)
{
    struct cpio_node node;
    int error = find(path, CPIO_NO_FOLLOW, &node);

    return fd_fail(error == 0 ? EEXIST : error == ENOENT ? EROFS : error);
}

int unlink(const char *path)
{
    return refuse_change(path, CPIO_NO_FOLLOW);
}

int rmdir(const char *path)
{
    return refuse_change(path, CPIO_NO_FOLLOW);
}

int rename(const char *from, const char *to)
{
    (void)to;
    return refuse_change(from, CPIO_NO_FOLLOW);
}

int link(const char *from, const char *to)
{
    (void)to;
    return refuse_change(from, CPIO_NO_FOLLOW);
}

int symlink(const char *target, const char *path)
{
    (void)target;
    return refuse_new(path);
}

int mkdir(const char *path, mode_t mode)
{
    (void)mode;
    return refuse_new(path);
}

int chmod(const char *path, mode_t mode)
{
    (void)mode;
    return refuse_change(path, CPIO_FOLLOW);
}

int truncate(const char *path, off_t length)
{
    (void)length;
    return refuse_change(path, CPIO_FOLLOW);
}
