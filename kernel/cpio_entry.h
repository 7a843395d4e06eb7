/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The entries of a cpio archive, one after the other, as kernel/cpio_entry.c reads them for the
 * tree in kernel/cpio.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/cpio.h"

/* The numbers of a header, in their order. Owners and special devices mean nothing here; inode and
 * device together tell which names are links of one file. */
enum cpio_field {
    CPIO_FIELD_INODE,
    CPIO_FIELD_MODE,
    CPIO_FIELD_USER,
    CPIO_FIELD_GROUP,
    CPIO_FIELD_LINKS,
    CPIO_FIELD_MTIME,
    CPIO_FIELD_BYTES,
    CPIO_FIELD_DEVICE_MAJOR,
    CPIO_FIELD_DEVICE_MINOR,
    CPIO_FIELD_SPECIAL_MAJOR,
    CPIO_FIELD_SPECIAL_MINOR,
    CPIO_FIELD_NAME_BYTES, /* with the zero */
    CPIO_FIELD_SUM,
    CPIO_FIELD_COUNT,
};

struct cpio_entry {
    const char *header;    /* null: there is no further one */
    struct cpio_text name; /* without "/" and "./" in front, and "/" behind; empty: the root */
    struct cpio_text data;
};

/* Where the next entry is looked for. All zero is the beginning. */
struct cpio_cursor {
    size_t at;
    size_t archive; /* where the archive begins that the last entry belongs to */
    bool inside;    /* that archive is not ended yet */
};

/* Moves on to the next entry of an archive that cpio_open() found good; false: there is none. */
bool cpio_entry_next(const struct cpio *cpio, struct cpio_cursor *cursor, struct cpio_entry *entry);

/* A number of its header. */
uint32_t cpio_entry_field(const struct cpio_entry *entry, enum cpio_field field);

/* The type bits of a mode. */
static inline uint32_t cpio_type(uint32_t mode)
{
    return mode & CPIO_TYPE_MASK;
}
