/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table is made by tools/symbols.awk from the first link: entries sorted by address, then the
 * names. The first link has an empty one.
 */

#include "kernel/symbols.h"

#include <stddef.h>

#include "arch/x86_64/boot.h"

struct symbol {
    uint32_t address;
    uint32_t name; /* offset of the name from the start of the table */
};

extern const struct symbol symbol_table_start[];
extern const struct symbol symbol_table_end[];

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    const struct symbol *table = symbol_table_start;
    uint64_t text_start = (uint64_t)(uintptr_t)image_start;

    if ((uintptr_t)symbol_table_start == (uintptr_t)symbol_table_end || address < text_start ||
        address >= (uint64_t)(uintptr_t)text_end) {
        return NULL;
    }
    /* The names follow the entries, so the first name's offset tells how many entries there are. */
    size_t low = 0;
    size_t high = table[0].name / sizeof(struct symbol);

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (table[middle].address <= address) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *offset = address - table[low].address;
    return (const char *)table + table[low].name;
}
