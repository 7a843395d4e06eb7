/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listings of directories. A directory stream is a descriptor and room for one entry; how far it is
 * stands with the descriptor, so that lseek() to 0 rewinds it too. "." and ".." are not listed.
 */

#define _GNU_SOURCE 1 /* more than ISO C, whose names -std=c11 leaves alone */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

#include "kernel/initrd.h"
#include "libc/fd.h"

struct __dirstream {
    int fd;
    struct dirent entry;
};

STATIC_ASSERT(sizeof(((struct dirent *)0)->d_name) > CPIO_NAME_MAX, "every name fits an entry");

static struct fd_file *file_of(const DIR *stream)
{
    struct fd_file *file = fd_get(stream->fd);

    ASSERT(file != NULL); /* nobody closes the descriptor of a stream but closedir() */
    return file;
}

DIR *fdopendir(int fd)
{
    const struct fd_file *file = fd_get(fd);

    if (file == NULL) {
        return NULL;
    }
    if (file->is_console || !S_ISDIR(file->node.mode)) {
        errno = ENOTDIR;
        return NULL;
    }
    DIR *stream = malloc(sizeof(*stream));

    if (stream == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    stream->fd = fd;
    return stream;
}

DIR *opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY);

    if (fd < 0) {
        return NULL;
    }
    DIR *stream = fdopendir(fd);

    if (stream == NULL) {
        int error = errno;

        (void)close(fd);
        errno = error;
    }
    return stream;
}

struct dirent *readdir(DIR *stream)
{
    struct fd_file *file = file_of(stream);
    struct dirent *entry = &stream->entry;
    size_t position = (size_t)file->offset;
    struct cpio_node node;
    struct cpio_text name;

    if (cpio_list(initrd_tree(), &file->node, &position, &node, &name) != OK) {
        return NULL;
    }
    file->offset = (off_t)position;
    entry->d_ino = (ino_t)node.inode;
    entry->d_type = (unsigned char)((node.mode & CPIO_TYPE_MASK) >> 12);
    memcpy(entry->d_name, name.start, name.length);
    entry->d_name[name.length] = '\0';
    return entry;
}

long telldir(DIR *stream)
{
    return (long)file_of(stream)->offset;
}

void seekdir(DIR *stream, long position)
{
    file_of(stream)->offset = position;
}

void rewinddir(DIR *stream)
{
    seekdir(stream, 0);
}

int dirfd(DIR *stream)
{
    return stream->fd;
}

int closedir(DIR *stream)
{
    int fd = stream->fd;

    free(stream);
    return close(fd);
}
