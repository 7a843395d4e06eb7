/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as an archive, or an archive made of the bytes, as it is or with some bytes changed.
 * Properties:
 * what is refused has an offset and a reason; of what is accepted, every name and every byte of
 * data lies in the archive, a listing shows each name once, what it shows is found by its path and
 * is the same thing, and any path ends. Of a made archive, each entry that no other hides is found
 * with its own data. The archive is a heap copy of the exact size, so that a read behind it is
 * seen.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "kernel/cpio.h"
#include "tests/unit/cpio_fixture.h"

#define ENTRIES_MAX     24U
#define DIRECTORIES_MAX 64U

static struct cpio_fixture made;
static struct cpio cpio;

/* What a made archive was made of. */
static struct {
    char name[8];
    char data[8];
    uint32_t mode;
} entries[ENTRIES_MAX];
static size_t entry_count;

static void check_inside(struct cpio_text text)
{
    if (text.length != 0) {
        ASSERT(text.start >= cpio.start);
        ASSERT((size_t)(text.start - cpio.start) <= cpio.bytes - text.length);
    }
}

static bool is_same(const struct cpio_node *a, const struct cpio_node *b)
{
    return a->path.start == b->path.start && a->path.length == b->path.length &&
           a->data.start == b->data.start && a->data.length == b->data.length &&
           a->mode == b->mode && a->inode == b->inode && a->mtime == b->mtime;
}

static bool is_directory(const struct cpio_node *node)
{
    return (node->mode & CPIO_TYPE_MASK) == CPIO_TYPE_DIRECTORY;
}

/* A listed thing: its path is the directory's and its name, and that finds it. */
static void check_child(const struct cpio_node *directory, const struct cpio_node *child,
                        struct cpio_text name)
{
    const struct cpio_node root = cpio_root(&cpio);
    struct cpio_node found;
    char path[CPIO_PATH_MAX + 1];

    check_inside(child->path);
    check_inside(child->data);
    ASSERT(name.length > 0 && name.length <= CPIO_NAME_MAX);
    ASSERT(memchr(name.start, '/', name.length) == NULL);
    ASSERT(child->path.length <= CPIO_PATH_MAX);
    ASSERT(child->path.length ==
           directory->path.length + (directory->path.length != 0) + name.length);
    ASSERT(memcmp(child->path.start + child->path.length - name.length, name.start, name.length) ==
           0);
    memcpy(path, child->path.start, child->path.length);
    path[child->path.length] = '\0';
    ASSERT(cpio_find(&cpio, &root, path, CPIO_NO_FOLLOW, &found) == CPIO_FOUND);
    ASSERT(is_same(child, &found));
    memcpy(path, name.start, name.length);
    path[name.length] = '\0';
    ASSERT(cpio_find(&cpio, directory, path, CPIO_NO_FOLLOW, &found) == CPIO_FOUND);
    ASSERT(is_same(child, &found));
    if (cpio_find(&cpio, directory, path, CPIO_FOLLOW, &found) == CPIO_FOUND) {
        ASSERT((found.mode & CPIO_TYPE_MASK) != CPIO_TYPE_LINK);
        check_inside(found.path);
        check_inside(found.data);
    }
}

static void check_directory(const struct cpio_node *directory, struct cpio_node *further,
                            size_t *further_count)
{
    static struct cpio_text seen[512];
    size_t seen_count = 0;
    size_t position = 0;
    struct cpio_node child;
    struct cpio_text name;

    for (size_t last = 0; cpio_list(&cpio, directory, &position, &child, &name) == OK;
         last = position) {
        ASSERT(position > last);
        check_child(directory, &child, name);
        for (size_t i = 0; i < seen_count; i++) {
            ASSERT(seen[i].length != name.length ||
                   memcmp(seen[i].start, name.start, name.length) != 0);
        }
        if (seen_count < ARRAY_SIZE(seen)) {
            seen[seen_count++] = name;
        }
        if (is_directory(&child) && *further_count < DIRECTORIES_MAX) {
            further[(*further_count)++] = child;
        }
    }
}

static void check_tree(void)
{
    struct cpio_node directories[DIRECTORIES_MAX];
    size_t count = 1;

    directories[0] = cpio_root(&cpio);
    ASSERT(is_directory(&directories[0]) && directories[0].path.length == 0);
    for (size_t i = 0; i < count; i++) {
        check_directory(&directories[i], directories, &count);
    }
}

/* Makes an archive: of each three bytes a name like "a/b", a type, and data that tells its number.
 */
static void make(const uint8_t *data, size_t size)
{
    memset(&made, 0, sizeof(made));
    for (entry_count = 0; size >= 3 && entry_count < ENTRIES_MAX; data += 3, size -= 3) {
        static const uint32_t modes[] = { 0100644, 0100644, 0040755, 0120777 };
        const uint32_t mode = modes[data[1] % 4];
        const unsigned parts = data[0] % 3 + 1;
        char *name = entries[entry_count].name;

        for (unsigned i = 0; i < parts; i++) {
            name[2 * i] = (char)('a' + (data[0] >> (2 + 2 * i)) % 4);
            name[2 * i + 1] = i + 1 < parts ? '/' : '\0';
        }
        snprintf(entries[entry_count].data, sizeof(entries[0].data), "%s%u",
                 data[2] % 2 == 0 ? "" : "/", (unsigned)entry_count);
        if (mode == 0120777) { /* a link to something that may be there */
            snprintf(entries[entry_count].data, sizeof(entries[0].data), "%c%c%c",
                     'a' + data[2] % 4, data[2] & 4 ? '/' : '\0', 'a' + (data[2] >> 3) % 4);
        }
        entries[entry_count].mode = mode;
        cpio_fixture_add(&made, (struct cpio_spec){
                                    .name = name,
                                    .mode = mode,
                                    .data = mode == 0040755 ? NULL : entries[entry_count].data });
        entry_count++;
        if (data[1] >= 0xf0) {
            cpio_fixture_end(&made);
            cpio_fixture_raw(&made, "\0\0\0\0\0", data[1] % 6);
        }
    }
    cpio_fixture_end(&made);
}

/* No entry takes its name, and none above it is anything but a directory. */
static bool is_hidden(size_t number)
{
    const char *name = entries[number].name;

    for (size_t i = 0; i < entry_count; i++) {
        const size_t length = strlen(entries[i].name);

        if (i > number && strcmp(entries[i].name, name) == 0) {
            return true;
        }
        if (strncmp(entries[i].name, name, length) == 0 && name[length] == '/' &&
            entries[i].mode != 0040755) {
            return true;
        }
    }
    return false;
}

static void check_made(void)
{
    const struct cpio_node root = cpio_root(&cpio);

    for (size_t i = 0; i < entry_count; i++) {
        struct cpio_node node;

        if (is_hidden(i)) {
            continue;
        }
        ASSERT(cpio_find(&cpio, &root, entries[i].name, CPIO_NO_FOLLOW, &node) == CPIO_FOUND);
        ASSERT(node.mode == entries[i].mode);
        if (node.mode != 0040755) {
            ASSERT(node.data.length == strlen(entries[i].data));
            ASSERT(memcmp(node.data.start, entries[i].data, node.data.length) == 0);
        }
    }
}

/* The input's own bytes as a path. */
static void check_path(const uint8_t *data, size_t size)
{
    char path[64];
    const size_t length = min_u64(size, sizeof(path) - 1);
    const struct cpio_node root = cpio_root(&cpio);
    struct cpio_node node;

    for (size_t i = 0; i < length; i++) {
        path[i] = "abcd./"[data[i] % 6];
    }
    path[length] = '\0';
    if (cpio_find(&cpio, &root, path, CPIO_FOLLOW, &node) == CPIO_FOUND) {
        check_inside(node.path);
        check_inside(node.data);
    }
}

/* Changes single bytes of the made archive, mostly into digits. */
static void damage(const uint8_t *data, size_t size)
{
    for (; size >= 3; data += 3, size -= 3) {
        const size_t at = ((size_t)data[0] << 8 | data[1]) % made.length;

        made.bytes[at] = data[2] < 128 ? "0123456789abcdef"[data[2] % 16] : (char)data[2];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const enum { RAW, MADE, DAMAGED } kind = size > 0 ? data[0] % 3 : RAW;
    struct cpio_fault fault = { 0, NULL };
    const void *bytes = data;
    size_t length = size;

    if (kind != RAW) {
        const size_t half = kind == DAMAGED ? (size - 1) / 2 : size - 1;

        make(data + 1, half);
        damage(data + 1 + half, size - 1 - half);
        bytes = made.bytes;
        length = made.length;
    }
    char *const copy = malloc(length > 0 ? length : 1);
    ASSERT(copy != NULL);
    memcpy(copy, bytes, length);
    if (cpio_open(&cpio, copy, length, &fault) == OK) {
        check_tree();
        check_path(data, size);
        if (kind == MADE) {
            check_made();
        }
    } else {
        ASSERT(kind != MADE);
        ASSERT(fault.reason != NULL && fault.offset <= length);
        ASSERT(cpio.bytes == 0);
    }
    free(copy);
    return 0;
}
