/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Writes cpio archives for tests, also such as nobody should write. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

#define CPIO_FIXTURE_BYTES 65536U

struct cpio_fixture {
    char bytes[CPIO_FIXTURE_BYTES];
    size_t length;
    size_t entry; /* where the last one begins: padding is counted from there */
};

/* One entry; what is zero gets its usual value. */
struct cpio_spec {
    const char *name;
    uint32_t mode;
    const char *data;      /* text; null: none */
    const char *magic;     /* null: newc */
    uint32_t name_bytes;   /* with the zero; 0: the name's */
    uint32_t data_bytes;   /* 0: the text's */
    uint32_t inode, links; /* links 0: 1 */
    uint32_t device;
    uint32_t mtime;
    uint32_t sum;
};

static inline void cpio_fixture_raw(struct cpio_fixture *f, const void *bytes, size_t length)
{
    ASSERT(length <= sizeof(f->bytes) - f->length);
    memcpy(f->bytes + f->length, bytes, length);
    f->length += length;
}

static inline void cpio_fixture_pad(struct cpio_fixture *f)
{
    while ((f->length - f->entry) % 4 != 0) {
        cpio_fixture_raw(f, "", 1);
    }
}

static inline void cpio_fixture_add(struct cpio_fixture *f, struct cpio_spec spec)
{
    char header[111];
    size_t data_length = spec.data != NULL ? strlen(spec.data) : 0;
    uint32_t data_bytes = spec.data_bytes != 0 ? spec.data_bytes : (uint32_t)data_length;
    uint32_t name_bytes = spec.name_bytes != 0 ? spec.name_bytes : (uint32_t)strlen(spec.name) + 1;
    int length =
        snprintf(header, sizeof(header), "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                 spec.magic != NULL ? spec.magic : "070701", spec.inode, spec.mode, 0, 0,
                 spec.links != 0 ? spec.links : 1, spec.mtime, data_bytes, 0, spec.device, 0, 0,
                 name_bytes, spec.sum);

    ASSERT(length == 110);
    f->entry = f->length;
    cpio_fixture_raw(f, header, 110);
    cpio_fixture_raw(f, spec.name, strlen(spec.name) + 1);
    cpio_fixture_pad(f);
    if (data_length != 0) {
        cpio_fixture_raw(f, spec.data, data_length);
    }
    cpio_fixture_pad(f);
}

static inline void cpio_fixture_directory(struct cpio_fixture *f, const char *name)
{
    cpio_fixture_add(f, (struct cpio_spec){ .name = name, .mode = 0040755, .mtime = 1000 });
}

static inline void cpio_fixture_file(struct cpio_fixture *f, const char *name, const char *data)
{
    cpio_fixture_add(
        f, (struct cpio_spec){ .name = name, .mode = 0100644, .data = data, .mtime = 2000 });
}

static inline void cpio_fixture_link(struct cpio_fixture *f, const char *name, const char *target)
{
    cpio_fixture_add(f, (struct cpio_spec){ .name = name, .mode = 0120777, .data = target });
}

static inline void cpio_fixture_end(struct cpio_fixture *f)
{
    cpio_fixture_add(f, (struct cpio_spec){ .name = "TRAILER!!!" });
}
