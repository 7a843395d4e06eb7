/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the memory map: the input is a list of entries with any start, size and type.
 * Properties: the map is well formed; at both sides of every border it agrees with the model; a
 * reservation removes exactly what it touches; what memmap_find returns lies in the map.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "tests/fakes/model_memmap.h"

#define ENTRIES_MAX 200U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ten bytes make one entry: mostly small numbers, so that entries meet, but any number can be. */
static struct memmap_entry read_entry(const uint8_t *bytes)
{
    uint32_t start;
    uint32_t length;
    struct memmap_entry entry;

    memcpy(&start, bytes, sizeof(start));
    memcpy(&length, bytes + 4, sizeof(length));
    entry.start = bytes[8] % 4 == 0 ? start % (64 * KIB) * 1024 : (uint64_t)start << bytes[8] / 8;
    entry.size = bytes[8] % 4 == 0 ? length % (4 * KIB) * 1024 : (uint64_t)length << bytes[9] / 8;
    entry.type = bytes[9] % 4;
    return entry;
}

/* The frames around an address, compared with the model. With a full list of ranges, frames may be
 * missing, and are counted as dropped; but none may be there that should not. */
static void compare_around(const struct memmap *map, const struct memmap_entry *entries,
                           size_t count, uint64_t address)
{
    uint64_t pfn = address >> FRAME_SHIFT;

    for (uint64_t i = pfn > 0 ? pfn - 1 : 0; i <= pfn + 1; i++) {
        bool has = model_memmap_has(map, i);
        bool usable = i < UINT64_C(1) << 52 && model_memmap_usable(entries, count, i);

        ASSERT(!has || usable);
        ASSERT(has || !usable || map->dropped_frames > 0);
    }
}

static void check_find(const struct memmap *map, const struct memmap_entry *wish)
{
    uint64_t bytes = wish->size > 0 ? wish->size : 1;
    uint64_t align = FRAME_SIZE << (wish->type * 9);
    paddr_t start = 0;

    if (memmap_find(map, bytes, align, wish->start, UINT64_MAX, &start) == OK) {
        ASSERT(start % align == 0);
        ASSERT(start >= wish->start);
        ASSERT(model_memmap_has(map, start >> FRAME_SHIFT));
        ASSERT(model_memmap_has(map, (start + (bytes - 1)) >> FRAME_SHIFT));
    }
}

static void check_reserve(struct memmap *map, const struct memmap_entry *hole)
{
    uint64_t frames = memmap_frames(map) + map->dropped_frames;

    memmap_reserve(map, hole->start, hole->size);
    model_memmap_well_formed(map);
    ASSERT(memmap_frames(map) + map->dropped_frames <= frames);
    if (hole->size > 0) {
        uint64_t last = hole->start + (hole->size - 1);

        ASSERT(!model_memmap_has(map, hole->start >> FRAME_SHIFT));
        ASSERT(last < hole->start || !model_memmap_has(map, last >> FRAME_SHIFT));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memmap_entry entries[ENTRIES_MAX];
    static struct memmap map;
    size_t count = 0;
    err_t err;

    for (; size >= 10 && count < ENTRIES_MAX; data += 10, size -= 10) {
        entries[count++] = read_entry(data);
    }
    err = memmap_build(&map, entries, count);
    model_memmap_well_formed(&map);
    ASSERT((err == OK) == (map.count > 0));
    ASSERT((err == OK) == (memmap_frames(&map) > 0));
    for (size_t i = 0; i < count; i++) {
        compare_around(&map, entries, count, entries[i].start);
        compare_around(&map, entries, count, entries[i].start + entries[i].size);
    }
    for (size_t i = 0; i < count && i < 8; i++) {
        check_find(&map, &entries[i]);
        check_reserve(&map, &entries[i]);
    }
    return 0;
}
