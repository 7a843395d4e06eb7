/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File descriptors: the console, which 0, 1 and 2 are, and files and directories of the initrd,
 * which can only be read. Contents are never copied but into the reader's buffer. libc/path.c has
 * what begins with a path, libc/dir.c listings, kernel/console.h the console itself.
 */

#define _GNU_SOURCE 1 /* more than ISO C, whose names -std=c11 leaves alone */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bits.h"

#include "kernel/console.h"
#include "libc/fd.h"
#include "libc/signal.h"

#define CONSOLE_MODE (S_IFCHR | 0620)
/* How much stdio reads and writes at a time. */
#define BLOCK_BYTES 1024

/* The console is open from the start, and never needs to be told apart from itself. */
static struct fd_file files[FD_MAX] = { [0] = { .users = 3, .is_console = true, .flags = O_RDWR } };
static struct fd_file *descriptors[FD_MAX] = { &files[0], &files[0], &files[0] };

/* ---- the table ---- */

int fd_fail(int error)
{
    errno = error;
    return -1;
}

struct fd_file *fd_get(int fd)
{
    if (fd < 0 || fd >= FD_MAX || descriptors[fd] == NULL) {
        errno = EBADF;
        return NULL;
    }
    ASSERT(descriptors[fd]->users > 0);
    return descriptors[fd];
}

/* The lowest free descriptor from `lowest` on, or -1 with EMFILE. */
static int find_free(int lowest)
{
    for (int fd = lowest; fd < FD_MAX; fd++) {
        if (descriptors[fd] == NULL) {
            return fd;
        }
    }
    return fd_fail(EMFILE);
}

int fd_open(const struct cpio_node *node, int flags)
{
    int fd = find_free(0);
    struct fd_file *file = files;

    if (fd < 0) {
        return -1;
    }
    /* A description has at least one descriptor, so where one is free, so is the other. */
    while (file->users != 0) {
        file++;
        ASSERT(file < files + FD_MAX);
    }
    *file = (struct fd_file){ .users = 1, .flags = flags, .node = *node };
    descriptors[fd] = file;
    return fd;
}

static int share(struct fd_file *file, int fd)
{
    ASSERT(descriptors[fd] == NULL);
    file->users++;
    descriptors[fd] = file;
    return fd;
}

int close(int fd)
{
    struct fd_file *file = fd_get(fd);

    if (file == NULL) {
        return -1;
    }
    file->users--;
    descriptors[fd] = NULL;
    return 0;
}

int dup(int fd)
{
    return fcntl(fd, F_DUPFD, 0);
}

int dup2(int fd, int as)
{
    struct fd_file *file = fd_get(fd);

    if (file == NULL) {
        return -1;
    }
    if (as < 0 || as >= FD_MAX) {
        return fd_fail(EBADF);
    }
    if (as == fd) {
        return as;
    }
    if (descriptors[as] != NULL) {
        (void)close(as);
    }
    return share(file, as);
}

/* There is nothing to exec(), so FD_CLOEXEC is taken and means nothing. */
int fcntl(int fd, int command, ...)
{
    struct fd_file *file = fd_get(fd);
    va_list args;
    int argument;

    if (file == NULL) {
        return -1;
    }
    switch (command) {
    case F_DUPFD:
        va_start(args, command);
        argument = va_arg(args, int);
        va_end(args);
        if (argument < 0 || argument >= FD_MAX) {
            return fd_fail(EINVAL);
        }
        argument = find_free(argument);
        return argument < 0 ? -1 : share(file, argument);
    case F_GETFD:
    case F_SETFD:
        return 0;
    case F_GETFL:
        return file->flags;
    default:
        return fd_fail(EINVAL);
    }
}

/* ---- reading and writing ---- */

static bool is_directory(const struct fd_file *file)
{
    return !file->is_console && S_ISDIR(file->node.mode);
}

/* Copies out of a file, from an offset that may lie behind its end. */
static ssize_t read_at(const struct fd_file *file, void *buffer, size_t bytes, off_t offset)
{
    size_t length = file->node.data.length;

    ASSERT(offset >= 0);
    if ((uint64_t)offset >= length) {
        return 0;
    }
    bytes = min_u64(bytes, length - (size_t)offset);
    memcpy(buffer, file->node.data.start + offset, bytes);
    return (ssize_t)bytes;
}

ssize_t read(int fd, void *buffer, size_t bytes)
{
    struct fd_file *file = fd_get(fd);

    if (file == NULL) {
        return -1;
    }
    if (file->is_console) {
        ssize_t got = bytes == 0 ? 0 : console_read(buffer, bytes);

        return got >= 0 ? got : fd_fail(EINTR);
    }
    if (is_directory(file)) {
        return fd_fail(EISDIR);
    }
    ssize_t got = read_at(file, buffer, bytes, file->offset);

    file->offset += got;
    signal_point();
    return got;
}

ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    const struct fd_file *file = fd_get(fd);

    if (file == NULL) {
        return -1;
    }
    if (file->is_console) {
        return fd_fail(ESPIPE);
    }
    if (is_directory(file)) {
        return fd_fail(EISDIR);
    }
    return offset < 0 ? fd_fail(EINVAL) : read_at(file, buffer, bytes, offset);
}

ssize_t write(int fd, const void *buffer, size_t bytes)
{
    const struct fd_file *file = fd_get(fd);

    if (file == NULL) {
        return -1;
    }
    if (!file->is_console) {
        return fd_fail(EBADF); /* nothing else can be open for writing */
    }
    bytes = min_u64(bytes, (uint64_t)PTRDIFF_MAX); /* what ssize_t can tell */
    console_write(buffer, bytes);
    signal_point();
    return (ssize_t)bytes;
}

off_t lseek(int fd, off_t offset, int whence)
{
    struct fd_file *file = fd_get(fd);
    off_t from = 0;
    off_t to;

    if (file == NULL) {
        return -1;
    }
    if (file->is_console) {
        return fd_fail(ESPIPE);
    }
    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        from = file->offset;
        break;
    case SEEK_END:
        from = (off_t)file->node.data.length;
        break;
    default:
        return fd_fail(EINVAL);
    }
    if (__builtin_add_overflow(from, offset, &to)) {
        return fd_fail(EOVERFLOW);
    }
    if (to < 0) {
        return fd_fail(EINVAL);
    }
    file->offset = to;
    return to;
}

/* ---- questions ---- */

void fd_describe(const struct cpio_node *node, struct stat *out)
{
    off_t bytes = S_ISDIR(node->mode) ? 0 : (off_t)node->data.length;

    memset(out, 0, sizeof(*out));
    out->st_ino = (ino_t)node->inode;
    out->st_mode = (mode_t)node->mode;
    out->st_nlink = (nlink_t)node->links;
    out->st_size = bytes;
    out->st_blksize = BLOCK_BYTES;
    out->st_blocks = (bytes + S_BLKSIZE - 1) / S_BLKSIZE;
    out->st_atim.tv_sec = node->mtime;
    out->st_mtim.tv_sec = node->mtime;
    out->st_ctim.tv_sec = node->mtime;
}

int fstat(int fd, struct stat *out)
{
    static const struct cpio_node console = { .mode = CONSOLE_MODE, .links = 1 };
    const struct fd_file *file = fd_get(fd);

    if (file == NULL) {
        return -1;
    }
    fd_describe(file->is_console ? &console : &file->node, out);
    return 0;
}

int isatty(int fd)
{
    const struct fd_file *file = fd_get(fd);

    if (file == NULL) {
        return 0;
    }
    if (!file->is_console) {
        errno = ENOTTY;
    }
    return file->is_console ? 1 : 0;
}
