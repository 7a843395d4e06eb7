/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four-level page tables [SDM 3A §4.5]. Level 1 holds 4 KiB pages, level 2 2 MiB, level 3 1 GiB;
 * level 4 is the root. A mapping takes the largest page that its alignment, its length and the
 * tables already there allow. Tables are frames of ordinary memory and are reached one to one.
 */

#include "arch/x86_64/paging.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

#include "arch/x86_64/cpu.h"

#define ENTRY_PRESENT    UINT64_C(1)
#define ENTRY_WRITE      UINT64_C(2)
#define ENTRY_UNCACHED   UINT64_C(0x18) /* PCD and PWT: uncached with the default PAT */
#define ENTRY_LARGE      UINT64_C(0x80)
#define ENTRY_NO_EXECUTE (UINT64_C(1) << 63)
#define ENTRY_ADDRESS    UINT64_C(0x000ffffffffff000)
#define ENTRIES          512U
#define LEVEL_ROOT       4U
/* We map one to one in the lower half of 47 bits, and the stack window is its upper part. */
#define ADDRESS_END (UINT64_C(1) << 46)

static struct {
    paging_alloc *alloc;
    uint64_t *root;
    unsigned level_largest; /* 3 with 1 GiB pages, else 2 */
    uint64_t no_execute;    /* ENTRY_NO_EXECUTE, or 0 without NX */
    bool loaded;
} paging;

static unsigned shift_of(unsigned level)
{
    return FRAME_SHIFT + 9 * (level - 1);
}

static unsigned index_of(uint64_t address, unsigned level)
{
    return (unsigned)(address >> shift_of(level)) & (ENTRIES - 1);
}

static uint64_t *table_at(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)(entry & ENTRY_ADDRESS);
}

static uint64_t entry_flags(unsigned flags)
{
    uint64_t entry = ENTRY_PRESENT;

    ASSERT((flags & (PAGING_WRITE | PAGING_EXECUTE)) != (PAGING_WRITE | PAGING_EXECUTE));
    if ((flags & PAGING_WRITE) != 0) {
        entry |= ENTRY_WRITE;
    }
    if ((flags & PAGING_EXECUTE) == 0) {
        entry |= paging.no_execute;
    }
    if ((flags & PAGING_DEVICE) != 0) {
        entry |= ENTRY_UNCACHED;
    }
    return entry;
}

static uint64_t *table_new(void)
{
    paddr_t frame = paging.alloc();

    if (frame == 0) {
        return NULL;
    }
    uint64_t *table = (uint64_t *)(uintptr_t)frame;

    memset(table, 0, FRAME_SIZE);
    return table;
}

err_t paging_begin(paging_alloc *alloc)
{
    const uint32_t cpuid_nx = UINT32_C(1) << 20;
    const uint32_t cpuid_gib_pages = UINT32_C(1) << 26;
    uint32_t features = cpuid(0x80000001U).edx;

    paging.alloc = alloc;
    paging.loaded = false;
    paging.no_execute = (features & cpuid_nx) != 0 ? ENTRY_NO_EXECUTE : 0;
    paging.level_largest = (features & cpuid_gib_pages) != 0 ? 3 : 2;
    paging.root = table_new();
    return paging.root != NULL ? OK : ERR_NOMEM;
}

/* A large page becomes a table of the next smaller size that maps the same. */
static uint64_t *split(uint64_t *entry, unsigned level)
{
    uint64_t *table = table_new();

    if (table == NULL) {
        return NULL;
    }
    uint64_t flags = *entry & ~ENTRY_ADDRESS;
    uint64_t address = *entry & ENTRY_ADDRESS;

    if (level == 2) {
        flags &= ~ENTRY_LARGE;
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        table[i] = (address + ((uint64_t)i << shift_of(level - 1))) | flags;
    }
    *entry = (uint64_t)(uintptr_t)table | ENTRY_PRESENT | ENTRY_WRITE;
    return table;
}

/*
 * The entry for `address` at `level`. Missing tables are made; a large page in the way is split
 * when `may_split`. Null when there is no frame for a table or a large page must stay.
 */
static uint64_t *entry_at(uint64_t address, unsigned level, bool may_split)
{
    uint64_t *table = paging.root;

    for (unsigned at = LEVEL_ROOT; at > level; at--) {
        uint64_t *entry = &table[index_of(address, at)];

        if ((*entry & ENTRY_PRESENT) == 0) {
            uint64_t *below = table_new();

            if (below == NULL) {
                return NULL;
            }
            *entry = (uint64_t)(uintptr_t)below | ENTRY_PRESENT | ENTRY_WRITE;
            table = below;
        } else if ((*entry & ENTRY_LARGE) != 0) {
            table = may_split ? split(entry, at) : NULL;
            if (table == NULL) {
                return NULL;
            }
        } else {
            table = table_at(*entry);
        }
    }
    return &table[index_of(address, level)];
}

/* How deep the tables reach at `address`: the level of the entry that maps it or is empty. */
static uint64_t *entry_deepest(uint64_t address, unsigned *level)
{
    uint64_t *table = paging.root;

    for (unsigned at = LEVEL_ROOT;; at--) {
        uint64_t *entry = &table[index_of(address, at)];

        if (at == 1 || (*entry & ENTRY_PRESENT) == 0 || (*entry & ENTRY_LARGE) != 0) {
            *level = at;
            return entry;
        }
        table = table_at(*entry);
    }
}

/* The largest page level that fits [address, end) and the tables that exist. */
static unsigned level_for(uint64_t address, uint64_t end, unsigned level_deepest)
{
    unsigned level = paging.level_largest < level_deepest ? paging.level_largest : level_deepest;

    while (level > 1) {
        uint64_t size = UINT64_C(1) << shift_of(level);

        if ((address & (size - 1)) == 0 && end - address >= size) {
            break;
        }
        level--;
    }
    return level;
}

/* Writes the entry for `at` and those that follow it in the same table, as long as they are empty
 * and a whole page is left to map. Returns where the next one begins. */
static uint64_t fill(uint64_t *entry, uint64_t at, uint64_t end, unsigned level, unsigned flags)
{
    uint64_t size = UINT64_C(1) << shift_of(level);
    uint64_t bits = entry_flags(flags) | (level > 1 ? ENTRY_LARGE : 0);
    uint64_t pages = min_u64((end - at) >> shift_of(level), ENTRIES - index_of(at, level));

    uint64_t value = at | bits;
    uint64_t *stop = entry + pages;

    ASSERT(pages > 0);
    while (entry != stop && *entry == 0) {
        *entry++ = value;
        value += size;
    }
    return value - bits;
}

err_t paging_map(paddr_t start, uint64_t bytes, unsigned flags)
{
    uint64_t end = start + bytes;

    ASSERT((start & (FRAME_SIZE - 1)) == 0 && (bytes & (FRAME_SIZE - 1)) == 0);
    ASSERT(end >= start && end <= ADDRESS_END);
    for (uint64_t at = start; at < end;) {
        unsigned deepest;
        uint64_t *entry = entry_deepest(at, &deepest);
        uint64_t size = UINT64_C(1) << shift_of(deepest);

        if ((*entry & ENTRY_PRESENT) == 0) {
            unsigned level = level_for(at, end, deepest);

            entry = entry_at(at, level, false);
            if (entry == NULL) {
                return ERR_NOMEM;
            }
            at = fill(entry, at, end, level, flags);
        } else {
            at = align_down(at, size) + size;
        }
    }
    return OK;
}

err_t paging_map_at(uint64_t virtual, paddr_t frame, unsigned flags)
{
    uint64_t *entry = entry_at(virtual, 1, false);

    if (entry == NULL) {
        return ERR_NOMEM;
    }
    ASSERT((*entry & ENTRY_PRESENT) == 0);
    *entry = frame | entry_flags(flags);
    return OK;
}

void paging_unmap_at(uint64_t virtual)
{
    unsigned level;
    uint64_t *entry = entry_deepest(virtual, &level);

    ASSERT(level == 1 && (*entry & ENTRY_PRESENT) != 0);
    *entry = 0;
    tlb_drop(virtual);
}

err_t paging_set_present(paddr_t start, uint64_t bytes, bool present)
{
    uint64_t end = start + bytes;

    ASSERT((start & (FRAME_SIZE - 1)) == 0 && (bytes & (FRAME_SIZE - 1)) == 0);
    for (uint64_t at = start; at < end;) {
        unsigned deepest;

        (void)entry_deepest(at, &deepest);
        unsigned level = level_for(at, end, deepest);
        uint64_t *entry = entry_at(at, level, true);

        if (entry == NULL && !present) {
            return ERR_NOMEM;
        }
        if (entry == NULL) {
            entry = entry_deepest(at, &level); /* the whole large page: more than asked for */
            at = align_down(at, UINT64_C(1) << shift_of(level));
        }
        *entry = present ? at | entry_flags(PAGING_WRITE) | (level > 1 ? ENTRY_LARGE : 0) : 0;
        tlb_drop(at);
        at += UINT64_C(1) << shift_of(level);
    }
    return OK;
}

void paging_load(void)
{
    cr3_write((uint64_t)(uintptr_t)paging.root);
    paging.loaded = true;
}

bool paging_is_mapped(uint64_t virtual)
{
    unsigned level;

    if (!paging.loaded) {
        return virtual < GIB;
    }
    if (virtual >= UINT64_C(1) << 47) {
        return false; /* not canonical, or the upper half, which we leave empty */
    }
    return (*entry_deepest(virtual, &level) & ENTRY_PRESENT) != 0;
}

void *paging_map_device(paddr_t start, size_t bytes)
{
    paddr_t first = align_down(start, FRAME_SIZE);

    if (bytes == 0 || start + bytes < start || start + bytes > ADDRESS_END) {
        return NULL;
    }
    if (paging_map(first, align_up(start + bytes, FRAME_SIZE) - first,
                   PAGING_WRITE | PAGING_DEVICE) != OK) {
        return NULL;
    }
    return (void *)(uintptr_t)start;
}

const void *paging_map_firmware(uint64_t start, size_t bytes)
{
    paddr_t first = align_down(start, FRAME_SIZE);

    if (start < FRAME_SIZE || bytes == 0 || start + bytes < start || start + bytes > ADDRESS_END) {
        return NULL;
    }
    if (paging_map(first, align_up(start + bytes, FRAME_SIZE) - first, 0) != OK) {
        return NULL;
    }
    return (const void *)(uintptr_t)start;
}

bool paging_has_no_execute(void)
{
    return paging.no_execute != 0;
}

bool paging_has_huge_pages(void)
{
    return paging.level_largest == 3;
}
