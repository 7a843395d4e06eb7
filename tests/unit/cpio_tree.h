/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Archives and what they hold, for the tests of kernel/cpio.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "kernel/cpio.h"
#include "tests/fakes/fake_seams.h"
#include "tests/unit/cpio_fixture.h"

static struct cpio_fixture archive;
static struct cpio cpio;
static struct cpio_fault fault;
static char *copy; /* of the exact size, so that a read behind the end is seen */

static inline int setup(void **state)
{
    (void)state;
    memset(&archive, 0, sizeof archive);
    copy = NULL;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    free(copy);
    return 0;
}

static inline err_t open_archive(void)
{
    free(copy);
    copy = malloc(archive.length + 1);
    assert_non_null(copy);
    memcpy(copy, archive.bytes, archive.length);
    copy = realloc(copy, archive.length > 0 ? archive.length : 1);
    return cpio_open(&cpio, copy, archive.length, &fault);
}

static inline void finish(void)
{
    cpio_fixture_end(&archive);
    assert_int_equal(open_archive(), OK);
}

static inline void assert_refused(const char *reason)
{
    assert_int_equal(open_archive(), ERR_INVALID);
    assert_non_null(strstr(fault.reason, reason));
    assert_true(fault.offset <= archive.length);
    assert_int_equal(cpio.bytes, 0);
}

static inline enum cpio_found find_in(const char *directory, const char *path, enum cpio_last last,
                                      struct cpio_node *node)
{
    struct cpio_node from = cpio_root(&cpio);

    if (directory[0] != '\0') {
        assert_int_equal(cpio_find(&cpio, &from, directory, CPIO_FOLLOW, &from), CPIO_FOUND);
    }
    return cpio_find(&cpio, &from, path, last, node);
}

static inline enum cpio_found find(const char *path)
{
    struct cpio_node node;

    return find_in("", path, CPIO_FOLLOW, &node);
}

static inline bool is(struct cpio_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.start, word, text.length) == 0;
}

static inline void assert_content(const char *path, const char *content)
{
    struct cpio_node node;

    assert_int_equal(find_in("", path, CPIO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.data, content));
}

/* The names in a directory, each followed by a blank, or by a slash if it is a directory. */
static inline const char *listing(const char *path)
{
    static char text[1024];
    struct cpio_node directory;
    struct cpio_node node;
    struct cpio_text name;
    size_t position = 0;
    size_t length = 0;

    assert_int_equal(find_in("", path, CPIO_FOLLOW, &directory), CPIO_FOUND);
    while (cpio_list(&cpio, &directory, &position, &node, &name) == OK) {
        bool is_directory = (node.mode & CPIO_TYPE_MASK) == CPIO_TYPE_DIRECTORY;

        length += (size_t)snprintf(text + length, sizeof text - length, "%.*s%c", (int)name.length,
                                   name.start, is_directory ? '/' : ' ');
        assert_true(length < sizeof text);
    }
    text[length] = '\0';
    return text;
}

static inline void a_small_tree(void)
{
    cpio_fixture_directory(&archive, ".");
    cpio_fixture_directory(&archive, "etc");
    cpio_fixture_file(&archive, "etc/motd", "hello\n");
    cpio_fixture_directory(&archive, "etc/deep");
    cpio_fixture_file(&archive, "etc/deep/er", "below");
    cpio_fixture_file(&archive, "readme", "12345");
}
