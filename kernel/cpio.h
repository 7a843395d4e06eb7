/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A cpio archive in memory, read as a file system. Formats "newc" (070701) and "crc" (070702, whose
 * check sums are verified). Pure: nothing is allocated, copied or changed, and everything returned
 * points into the archive, which must stay.
 *
 * Several archives may follow each other, with zeros in between; they make one tree in which a
 * later entry hides an earlier one of the same name. Directories that no entry names exist when
 * something lies in them. Names with and without a "/" or "./" in front are the same.
 *
 * A look-up reads the headers of the whole archive once for each component of the path.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CPIO_PATH_MAX  1023U /* bytes of a path in an archive, or given to cpio_find() */
#define CPIO_NAME_MAX  255U  /* bytes between two slashes of an archive's name */
#define CPIO_LINKS_MAX 8U    /* symbolic links on the way to one file */

/* The type in a mode. */
#define CPIO_TYPE_MASK      0170000U
#define CPIO_TYPE_DIRECTORY 0040000U
#define CPIO_TYPE_FILE      0100000U
#define CPIO_TYPE_LINK      0120000U

struct cpio {
    const char *start;
    size_t bytes; /* 0: an empty tree */
};

/* Where an archive is not what it should be. */
struct cpio_fault {
    size_t offset;
    const char *reason;
};

/* Bytes inside the archive, not terminated. */
struct cpio_text {
    const char *start;
    size_t length;
};

/* A file, directory, symbolic link, or something else that is only described. */
struct cpio_node {
    struct cpio_text path; /* from the root, without "/" in front or behind; empty: the root */
    struct cpio_text data; /* a file's content, a symbolic link's target */
    uint32_t mode;         /* type and permissions; a directory nobody named is 0755 */
    uint32_t inode;
    uint32_t links;
    uint32_t mtime; /* seconds since 1970 */
};

enum cpio_found {
    CPIO_FOUND,
    CPIO_MISSING,         /* nothing of that name */
    CPIO_NOT_A_DIRECTORY, /* something on the way, or before a "/" at the end, is none */
    CPIO_LOOP,            /* more than CPIO_LINKS_MAX symbolic links */
    CPIO_TOO_LONG,        /* the path is longer than CPIO_PATH_MAX */
};

enum cpio_last { CPIO_FOLLOW, CPIO_NO_FOLLOW };

/* Checks the whole archive; only then may it be given to the others. ERR_INVALID with *fault: not
 * an archive, cut short, or with a name or a link that cannot be served. */
MUST_USE err_t cpio_open(struct cpio *cpio, const void *start, size_t bytes,
                         struct cpio_fault *fault);

/* The node of the root directory. */
struct cpio_node cpio_root(const struct cpio *cpio);

/* Finds a file. A path that does not begin with "/" is looked up in the directory `from`, a node of
 * the same archive. "..", "." and symbolic links mean what POSIX says; CPIO_NO_FOLLOW gives the
 * link itself when the last component is one. *node is written when CPIO_FOUND is returned. */
enum cpio_found cpio_find(const struct cpio *cpio, const struct cpio_node *from, const char *path,
                          enum cpio_last last, struct cpio_node *node);

/* What lies in a directory, one thing for each call, each name once: its node and, the end of
 * node->path, its name. *position is 0 for the first call and then left alone; any other value is
 * survived. ERR_AGAIN: nothing further. The cost of a whole listing grows with the square of the
 * archive's number of entries. */
MUST_USE err_t cpio_list(const struct cpio *cpio, const struct cpio_node *directory,
                         size_t *position, struct cpio_node *node, struct cpio_text *name);
