/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory map. The firmware's entries are never sorted or stored: a cursor moves over the frame
 * numbers in ascending order and asks all entries, at each stop, what begins or ends there. That
 * needs no scratch memory and no assumption about the input. Each stop is the border of an entry,
 * so n entries cost at most about 2n stops of n steps: nothing for the 5 to 40 entries there are.
 *
 * Rounding: what is usable is rounded inward, entry by entry; what is not usable, outward. All
 * arithmetic is in 64-bit frame numbers, which no address can overflow.
 */

#include "mm/memmap.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/bits.h"

#define FRAMES_MAX ((uint64_t)FRAME_AREAS_MAX * AREA_FRAMES)

STATIC_ASSERT(FRAMES_MAX < PFN_NONE, "every frame that is kept has a number");

/* Half-open, in frames, not yet cut to what a pfn_t or the allocator holds. */
struct span {
    uint64_t from;
    uint64_t stop;
};

/* The frames that lie wholly inside [start, start + bytes), or that touch it. An end beyond the
 * address space means its last byte. */
static struct span span_inside(uint64_t start, uint64_t bytes)
{
    uint64_t end = bytes > UINT64_MAX - start ? UINT64_MAX : start + bytes;

    return (struct span){ (start >> FRAME_SHIFT) + (start % FRAME_SIZE != 0), end >> FRAME_SHIFT };
}

static struct span span_touched(uint64_t start, uint64_t bytes)
{
    uint64_t end = bytes > UINT64_MAX - start ? UINT64_MAX : start + bytes;

    if (bytes == 0) {
        return (struct span){ 0, 0 };
    }
    return (struct span){ start >> FRAME_SHIFT, (end >> FRAME_SHIFT) + (end % FRAME_SIZE != 0) };
}

/* ---- the list of ranges ---- */

static unsigned smallest_range(const struct memmap *map)
{
    unsigned smallest = 0;

    for (unsigned i = 1; i < map->count; i++) {
        if (map->ranges[i].count < map->ranges[smallest].count) {
            smallest = i;
        }
    }
    return smallest;
}

static void remove_range(struct memmap *map, unsigned index)
{
    ASSERT(index < map->count);
    map->count--;
    for (unsigned i = index; i < map->count; i++) {
        map->ranges[i] = map->ranges[i + 1];
    }
}

/* Adds a range in its place. When the list is full the smallest, old or new, is dropped. */
static void insert_range(struct memmap *map, uint64_t from, uint64_t stop)
{
    struct frame_range range = { (pfn_t)from, (pfn_t)(stop - from) };
    unsigned index;

    ASSERT(from < stop);
    ASSERT(stop <= FRAMES_MAX);
    if (map->count == MEMMAP_RANGES_MAX) {
        unsigned smallest = smallest_range(map);

        if (range.count <= map->ranges[smallest].count) {
            map->dropped_frames += range.count;
            return;
        }
        map->dropped_frames += map->ranges[smallest].count;
        remove_range(map, smallest);
    }
    for (index = map->count; index > 0 && map->ranges[index - 1].first > range.first; index--) {
        map->ranges[index] = map->ranges[index - 1];
    }
    map->ranges[index] = range;
    map->count++;
}

/* ---- building ---- */

/*
 * The first piece of usable memory at or after `cursor`: it begins where an entry calls a frame
 * usable and none calls it otherwise, and ends where either may change. The next search begins at
 * its end. False when no usable entry follows.
 */
static bool next_piece(const struct memmap_entry *entries, size_t count, uint64_t cursor,
                       struct span *piece)
{
    uint64_t from = UINT64_MAX;
    uint64_t stop = 0;
    uint64_t barred_to = 0;
    uint64_t bar = UINT64_MAX;

    for (size_t i = 0; i < count; i++) {
        struct span span = span_inside(entries[i].start, entries[i].size);

        if (entries[i].type == MEMMAP_USABLE && max_u64(span.from, cursor) < span.stop) {
            from = min_u64(from, max_u64(span.from, cursor));
        }
    }
    if (from == UINT64_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool usable = entries[i].type == MEMMAP_USABLE;
        struct span span = usable ? span_inside(entries[i].start, entries[i].size)
                                  : span_touched(entries[i].start, entries[i].size);

        if (usable && span.from <= from) {
            stop = max_u64(stop, span.stop);
        } else if (!usable && span.from <= from && from < span.stop) {
            barred_to = max_u64(barred_to, span.stop);
        } else if (!usable && span.from > from && span.from < span.stop) {
            bar = min_u64(bar, span.from);
        }
    }
    ASSERT(stop > from);
    /* Barred at its very start: an empty piece, behind which the search goes on. */
    *piece = barred_to > from ? (struct span){ barred_to, barred_to }
                              : (struct span){ from, min_u64(stop, bar) };
    return true;
}

/* Cuts a finished run of pieces to what the allocator can hold, and counts the rest. */
static void add_run(struct memmap *map, struct span run)
{
    uint64_t from = max_u64(run.from, 1);
    uint64_t stop = min_u64(run.stop, FRAMES_MAX);

    if (run.stop > FRAMES_MAX) {
        map->dropped_frames += run.stop - max_u64(run.from, FRAMES_MAX);
    }
    if (from < stop) {
        insert_range(map, from, stop);
    }
}

err_t memmap_build(struct memmap *map, const struct memmap_entry *entries, size_t count)
{
    struct span run = { 0, 0 };
    struct span piece = { 0, 0 };

    ASSERT(map != NULL);
    ASSERT(entries != NULL || count == 0);
    *map = (struct memmap){ .count = 0 };
    while (next_piece(entries, count, piece.stop, &piece)) {
        ASSERT(piece.from <= piece.stop);
        if (piece.from == piece.stop) {
            continue;
        }
        if (piece.from != run.stop) {
            add_run(map, run);
            run.from = piece.from;
        }
        run.stop = piece.stop;
    }
    add_run(map, run);
    return map->count > 0 ? OK : ERR_NOMEM;
}

/* ---- use ---- */

void memmap_reserve(struct memmap *map, paddr_t start, uint64_t bytes)
{
    struct span gone = span_touched(start, bytes);
    unsigned i = 0;

    ASSERT(map != NULL);
    ASSERT(map->count <= MEMMAP_RANGES_MAX);
    while (i < map->count) {
        struct frame_range *range = &map->ranges[i];
        uint64_t from = range->first;
        uint64_t stop = from + range->count;

        if (gone.stop <= from || stop <= gone.from) {
            i++;
        } else if (gone.from <= from && stop <= gone.stop) {
            remove_range(map, i);
        } else if (gone.from <= from) {
            range->first = (pfn_t)gone.stop;
            range->count = (pfn_t)(stop - gone.stop);
            i++;
        } else {
            range->count = (pfn_t)(gone.from - from);
            i++;
            if (gone.stop < stop) {
                /* A hole inside one range; no other range touches it. */
                insert_range(map, gone.stop, stop);
                return;
            }
        }
    }
}

err_t memmap_find(const struct memmap *map, uint64_t bytes, uint64_t align, paddr_t from,
                  paddr_t below, paddr_t *start)
{
    ASSERT(map != NULL);
    ASSERT(start != NULL);
    ASSERT(bytes > 0);
    ASSERT(is_power_of_two(align) && align >= FRAME_SIZE);
    for (unsigned i = 0; i < map->count; i++) {
        const struct frame_range *range = &map->ranges[i];
        paddr_t low = max_u64(frame_address(range->first), from);
        paddr_t high = min_u64(frame_address(range->first) + range->count * FRAME_SIZE, below);
        paddr_t at = align_up(low, align);

        /* at < low: rounding up wrapped around. */
        if (at >= low && at < high && high - at >= bytes) {
            *start = at;
            return OK;
        }
    }
    return ERR_NOMEM;
}

uint64_t memmap_frames(const struct memmap *map)
{
    uint64_t frames = 0;

    for (unsigned i = 0; i < map->count; i++) {
        frames += map->ranges[i].count;
    }
    return frames;
}

pfn_t memmap_end(const struct memmap *map)
{
    ASSERT(map->count <= MEMMAP_RANGES_MAX);
    if (map->count == 0) {
        return 0;
    }
    return map->ranges[map->count - 1].first + map->ranges[map->count - 1].count;
}
