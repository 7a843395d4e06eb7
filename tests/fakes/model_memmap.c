/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference model of the memory map (model_memmap.h). It thinks in last bytes instead of ends,
 * so that nothing wraps and no rounding is shared with the code under test.
 */

#include "tests/fakes/model_memmap.h"

#include "base/assert.h"

bool model_memmap_usable(const struct memmap_entry *entries, size_t count, uint64_t pfn)
{
    uint64_t first_byte = pfn << FRAME_SHIFT;
    uint64_t last_byte = first_byte + (FRAME_SIZE - 1);
    bool usable = false;

    for (size_t i = 0; i < count; i++) {
        uint64_t start = entries[i].start;
        uint64_t last = start + (entries[i].size - 1);

        if (entries[i].size == 0) {
            continue;
        }
        if (last < start) {
            last = UINT64_MAX;
        }
        if (entries[i].type == MEMMAP_USABLE) {
            usable = usable || (start <= first_byte && last_byte <= last);
        } else if (start <= last_byte && first_byte <= last) {
            return false;
        }
    }
    return usable && pfn != 0;
}

void model_memmap_well_formed(const struct memmap *map)
{
    uint64_t free_from = 1;

    ASSERT(map->count <= MEMMAP_RANGES_MAX);
    for (unsigned i = 0; i < map->count; i++) {
        ASSERT(map->ranges[i].count > 0);
        ASSERT(map->ranges[i].first >= free_from);
        free_from = (uint64_t)map->ranges[i].first + map->ranges[i].count + 1;
        ASSERT(free_from - 1 <= (uint64_t)FRAME_AREAS_MAX * AREA_FRAMES);
    }
}

bool model_memmap_has(const struct memmap *map, uint64_t pfn)
{
    for (unsigned i = 0; i < map->count; i++) {
        if (pfn >= map->ranges[i].first && pfn - map->ranges[i].first < map->ranges[i].count) {
            return true;
        }
    }
    return false;
}
