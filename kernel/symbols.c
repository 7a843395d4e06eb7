/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table is made by tools/symbols.awk from the first link: the number of names, the addresses in
 * ascending order, then the names in the same order, each with its zero. The first link has an
 * empty one. Names are found by walking, for only a report of a fault asks.
 */

#include "kernel/symbols.h"

#include <stddef.h>

#include "base/string.h"

#include "arch/x86_64/boot.h"

extern const uint32_t symbol_table_start[];
extern const uint32_t symbol_table_end[];

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    if ((uintptr_t)symbol_table_start == (uintptr_t)symbol_table_end ||
        address < (uint64_t)(uintptr_t)image_start || address >= (uint64_t)(uintptr_t)text_end) {
        return NULL;
    }
    size_t count = symbol_table_start[0];
    const uint32_t *addresses = symbol_table_start + 1;
    const char *name = (const char *)(addresses + count);

    size_t at = 0; /* the first name is that of the first address of the text */

    while (at + 1 < count && addresses[at + 1] <= address) {
        at++;
        name += strlen(name) + 1;
    }
    *offset = address - addresses[at];
    return name;
}
