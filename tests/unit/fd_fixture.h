/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* libc/fd.c on the host: an archive to read, a console that is noted, memory that can be denied. */

/* Before the host's headers: it gives our functions other names. */
#include "tests/fakes/libc_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernel/console.h"
#include "kernel/initrd.h"
#include "libc/fd.h"
#include "libc/signal.h"
#include "tests/unit/cpio_fixture.h"

static struct cpio_fixture archive;
static struct cpio tree;
static char written[64];
static size_t written_bytes;
static const char *typed = "";
static bool no_memory;

/* ---- what is beneath ---- */

const struct cpio *initrd_tree(void)
{
    return &tree;
}

void console_write(const char *text, size_t bytes)
{
    assert_true(bytes <= sizeof written - written_bytes);
    memcpy(written + written_bytes, text, bytes);
    written_bytes += bytes;
}

ptrdiff_t console_read(char *buffer, size_t bytes)
{
    size_t length = strlen(typed) < bytes ? strlen(typed) : bytes;

    assert_true(bytes > 0);
    if (typed[0] == '!') {
        return -1;
    }
    memcpy(buffer, typed, length);
    return (ptrdiff_t)length;
}

void *libc_malloc(size_t bytes);

void *libc_malloc(size_t bytes)
{
    return no_memory ? NULL : calloc(1, bytes);
}

/* Of libc/signal.c: how often a busy program's handler could have run. */
static unsigned signal_points;

void signal_point(void)
{
    signal_points++;
}

static inline int group_setup(void **state)
{
    struct cpio_fault fault;

    (void)state;
    cpio_fixture_directory(&archive, ".");
    cpio_fixture_add(
        &archive,
        (struct cpio_spec){
            .name = "file", .mode = 0100644, .data = "0123456789", .inode = 7, .mtime = 1234567 });
    cpio_fixture_directory(&archive, "dir");
    cpio_fixture_file(&archive, "dir/inner", "inside");
    cpio_fixture_directory(&archive, "dir/deep");
    cpio_fixture_link(&archive, "dir/up", "../file");
    cpio_fixture_link(&archive, "loop", "loop");
    cpio_fixture_link(&archive, "todir", "dir");
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "run", .mode = 0100755, .data = "x" });
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "null", .mode = 0020666 });
    cpio_fixture_end(&archive);
    return cpio_open(&tree, archive.bytes, archive.length, &fault) == OK ? 0 : -1;
}

static inline int setup(void **state)
{
    (void)state;
    errno = 0;
    written_bytes = 0;
    typed = "";
    return 0;
}

/* Every test leaves the three standard descriptors open and nothing else. */
static inline int teardown(void **state)
{
    (void)state;
    for (int fd = 0; fd < FD_MAX; fd++) {
        if ((fcntl(fd, F_GETFD) == 0) != (fd <= 2)) {
            return -1;
        }
    }
    return chdir("/");
}

static inline void assert_fails(long result, int error)
{
    assert_int_equal(result, -1);
    assert_int_equal(errno, error);
    errno = 0;
}

static inline int opened(const char *path)
{
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    return fd;
}
