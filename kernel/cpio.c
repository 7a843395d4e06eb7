/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree in a cpio archive. There is no index: a directory is the text of its path, pointing into
 * some entry's name, and every question is answered by walking the entries. That needs no memory
 * and no clean-up, and archives here have tens to hundreds of files. Neither following links nor
 * ".." needs a buffer either: what is left of a path is a list of texts, one for each link
 * followed.
 */

#include "kernel/cpio.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

#include "kernel/cpio_entry.h"

/* ---- the tree ---- */

static bool is_directory(const struct cpio_node *node)
{
    return cpio_type(node->mode) == CPIO_TYPE_DIRECTORY;
}

static bool is_same_file(const struct cpio_entry *a, const struct cpio_entry *b)
{
    static const enum cpio_field identity[] = { CPIO_FIELD_INODE, CPIO_FIELD_DEVICE_MAJOR,
                                                CPIO_FIELD_DEVICE_MINOR };

    for (unsigned i = 0; i < ARRAY_SIZE(identity); i++) {
        if (cpio_entry_field(a, identity[i]) != cpio_entry_field(b, identity[i])) {
            return false;
        }
    }
    return true;
}

/* Of a file with several names only one entry has the content, mostly the last; inode numbers mean
 * something within one archive only. */
static struct cpio_text linked_data(const struct cpio *cpio, const struct cpio_entry *entry,
                                    size_t archive)
{
    struct cpio_cursor cursor = { .at = archive, .archive = archive, .inside = true };
    struct cpio_entry other;

    while (cpio_entry_next(cpio, &cursor, &other) && cursor.archive == archive) {
        if (other.data.length != 0 && is_same_file(entry, &other) &&
            cpio_type(cpio_entry_field(&other, CPIO_FIELD_MODE)) == CPIO_TYPE_FILE) {
            return other.data;
        }
    }
    return entry->data;
}

static struct cpio_node node_of(const struct cpio *cpio, const struct cpio_entry *entry,
                                size_t archive)
{
    struct cpio_node node = {
        .path = entry->name,
        .data = entry->data,
        .mode = cpio_entry_field(entry, CPIO_FIELD_MODE),
        .inode = cpio_entry_field(entry, CPIO_FIELD_INODE),
        .links = cpio_entry_field(entry, CPIO_FIELD_LINKS),
        .mtime = cpio_entry_field(entry, CPIO_FIELD_MTIME),
    };

    if (cpio_type(node.mode) == CPIO_TYPE_FILE && node.data.length == 0 && node.links > 1) {
        node.data = linked_data(cpio, entry, archive);
    }
    return node;
}

static struct cpio_node unnamed_directory(struct cpio_text path)
{
    return (struct cpio_node){ .path = path, .mode = CPIO_TYPE_DIRECTORY | 0755U, .links = 1 };
}

enum relation { UNRELATED, SAME, BELOW };

/* Whether `name` is `part` in `directory`, or lies below that. A part may have slashes. */
static enum relation relation_of(struct cpio_text name, struct cpio_text directory,
                                 struct cpio_text part)
{
    size_t part_at = directory.length == 0 ? 0 : directory.length + 1;
    size_t length = part_at + part.length;

    if (name.length < length || (name.length > length && name.start[length] != '/')) {
        return UNRELATED;
    }
    if (directory.length != 0 && (name.start[directory.length] != '/' ||
                                  memcmp(name.start, directory.start, directory.length) != 0)) {
        return UNRELATED;
    }
    if (memcmp(name.start + part_at, part.start, part.length) != 0) {
        return UNRELATED;
    }
    return name.length == length ? SAME : BELOW;
}

/* What `part` in a directory is: the last entry of that name, else a directory that only entries
 * below it speak of. */
static bool look_up(const struct cpio *cpio, struct cpio_text directory, struct cpio_text part,
                    struct cpio_node *node)
{
    struct cpio_cursor cursor = { .at = 0 };
    struct cpio_entry entry;
    struct cpio_entry same = { .header = NULL };
    size_t archive = 0;
    bool found = false;

    ASSERT(part.length != 0);
    while (cpio_entry_next(cpio, &cursor, &entry)) {
        switch (relation_of(entry.name, directory, part)) {
        case SAME:
            same = entry;
            archive = cursor.archive;
            found = true;
            break;
        case BELOW:
            if (!found) {
                size_t above = directory.length == 0 ? 0 : directory.length + 1;

                *node =
                    unnamed_directory((struct cpio_text){ entry.name.start, above + part.length });
                found = true;
            }
            break;
        case UNRELATED:
            break;
        }
    }
    if (same.header != NULL) {
        *node = node_of(cpio, &same, archive);
    }
    return found;
}

struct cpio_node cpio_root(const struct cpio *cpio)
{
    struct cpio_cursor cursor = { .at = 0 };
    struct cpio_entry entry;
    struct cpio_node root = unnamed_directory((struct cpio_text){ cpio->start, 0 });

    while (cpio_entry_next(cpio, &cursor, &entry)) {
        if (entry.name.length == 0) {
            root = node_of(cpio, &entry, cursor.archive);
        }
    }
    return root;
}

static struct cpio_node parent_of(const struct cpio *cpio, const struct cpio_node *node)
{
    struct cpio_text path = node->path;
    struct cpio_node parent;

    while (path.length > 0 && path.start[path.length - 1] != '/') {
        path.length--;
    }
    if (path.length == 0) {
        return cpio_root(cpio);
    }
    path.length--;
    bool found = look_up(cpio, (struct cpio_text){ NULL, 0 }, path, &parent);

    ASSERT(found);
    return parent;
}

/* ---- paths ---- */

/* What is left of a path: the rest of each symbolic link's target, the innermost last. */
struct walk {
    struct cpio_text rests[CPIO_LINKS_MAX + 1];
    unsigned depth;
    unsigned links;
};

/* Takes the next component; one of length 0 at the end of all. *slash: a "/" stood before it. */
static struct cpio_text walk_take(struct walk *walk, bool *slash)
{
    *slash = false;
    for (;;) {
        struct cpio_text *rest = &walk->rests[walk->depth];

        while (rest->length > 0 && rest->start[0] == '/') {
            *slash = true;
            rest->start++;
            rest->length--;
        }
        if (rest->length > 0 || walk->depth == 0) {
            break;
        }
        walk->depth--;
    }
    struct cpio_text *rest = &walk->rests[walk->depth];
    const char *end = rest->length > 0 ? memchr(rest->start, '/', rest->length) : NULL;
    struct cpio_text part = { rest->start,
                              end != NULL ? (size_t)(end - rest->start) : rest->length };

    rest->start += part.length;
    rest->length -= part.length;
    return part;
}

/* Nothing is left, not even a "/", which would ask for a directory. */
static bool walk_is_over(const struct walk *walk)
{
    for (unsigned i = 0; i <= walk->depth; i++) {
        if (walk->rests[i].length != 0) {
            return false;
        }
    }
    return true;
}

static bool walk_into(struct walk *walk, struct cpio_text target)
{
    if (walk->links == CPIO_LINKS_MAX) {
        return false;
    }
    walk->links++;
    walk->depth++;
    walk->rests[walk->depth] = target;
    return true;
}

static bool is_text(struct cpio_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.start, word, text.length) == 0;
}

/* One component on from the directory *at. */
static enum cpio_found step(const struct cpio *cpio, struct walk *walk, struct cpio_text part,
                            enum cpio_last last, struct cpio_node *at)
{
    struct cpio_node next;

    if (part.length > CPIO_NAME_MAX) {
        return CPIO_TOO_LONG;
    }
    if (is_text(part, ".")) {
        return CPIO_FOUND;
    }
    if (is_text(part, "..")) {
        *at = parent_of(cpio, at);
        return CPIO_FOUND;
    }
    if (!look_up(cpio, at->path, part, &next)) {
        return CPIO_MISSING;
    }
    if (cpio_type(next.mode) == CPIO_TYPE_LINK && (last == CPIO_FOLLOW || !walk_is_over(walk))) {
        if (!walk_into(walk, next.data)) {
            return CPIO_LOOP;
        }
        if (next.data.start[0] == '/') {
            *at = cpio_root(cpio);
        }
        return CPIO_FOUND;
    }
    *at = next;
    return CPIO_FOUND;
}

enum cpio_found cpio_find(const struct cpio *cpio, const struct cpio_node *from, const char *path,
                          enum cpio_last last, struct cpio_node *node)
{
    const char *end = path;
    struct cpio_node at = *from;

    while (*end != '\0' && end - path < (ptrdiff_t)CPIO_PATH_MAX) {
        end++;
    }
    if (*end != '\0') {
        return CPIO_TOO_LONG;
    }
    if (end == path) {
        return CPIO_MISSING; /* POSIX: the empty path names nothing, not even "." */
    }
    if (path[0] == '/') {
        at = cpio_root(cpio);
    }
    struct walk walk = { .rests = { { path, (size_t)(end - path) } } };

    for (;;) {
        bool slash;
        struct cpio_text part = walk_take(&walk, &slash);

        if ((slash || part.length != 0) && !is_directory(&at)) {
            return CPIO_NOT_A_DIRECTORY;
        }
        if (part.length == 0) {
            *node = at;
            return CPIO_FOUND;
        }
        enum cpio_found found = step(cpio, &walk, part, last, &at);

        if (found != CPIO_FOUND) {
            return found;
        }
    }
}

/* ---- listing ---- */

/* The component of `name` right below a directory; length 0: it is not below. */
static struct cpio_text child_of(struct cpio_text name, struct cpio_text above)
{
    struct cpio_text none = { NULL, 0 };
    size_t at = above.length == 0 ? 0 : above.length + 1;

    if (name.length <= at || (at != 0 && relation_of(name, none, above) != BELOW)) {
        return none;
    }
    const char *slash = memchr(name.start + at, '/', name.length - at);

    return (struct cpio_text){ name.start + at, slash != NULL ? (size_t)(slash - name.start) - at
                                                              : name.length - at };
}

/* Whether an entry before `stop` has shown this child already. */
static bool is_listed(const struct cpio *cpio, struct cpio_text directory, struct cpio_text child,
                      const char *stop)
{
    struct cpio_cursor cursor = { .at = 0 };
    struct cpio_entry entry;

    while (cpio_entry_next(cpio, &cursor, &entry) && entry.header != stop) {
        if (relation_of(entry.name, directory, child) != UNRELATED) {
            return true;
        }
    }
    return false;
}

err_t cpio_list(const struct cpio *cpio, const struct cpio_node *directory, size_t *position,
                struct cpio_node *node, struct cpio_text *name)
{
    struct cpio_cursor cursor = { .at = 0 };
    struct cpio_entry entry;
    size_t number = 0;

    ASSERT(is_directory(directory));
    while (cpio_entry_next(cpio, &cursor, &entry)) {
        if (number++ < *position) {
            continue;
        }
        struct cpio_text child = child_of(entry.name, directory->path);

        if (child.length != 0 && !is_listed(cpio, directory->path, child, entry.header)) {
            bool found = look_up(cpio, directory->path, child, node);

            ASSERT(found);
            *position = number;
            *name = child;
            return OK;
        }
    }
    return ERR_AGAIN;
}
