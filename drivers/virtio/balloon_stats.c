/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodes statistics. Memory amounts are in bytes, what was reclaimed in pages, as Linux counts it.
 */

#include "drivers/virtio/balloon_stats.h"

#include "base/assert.h"
#include "base/memory.h"

STATIC_ASSERT(BALLOON_STATS_BYTES % 6 == 0, "the letter of the specification");
STATIC_ASSERT(BALLOON_STATS_BYTES % 10 == 0, "its meaning");

/* Bytewise: little-endian and unaligned on every machine. */
static uint8_t *put_le(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

static uint8_t *put_entry(uint8_t *at, enum balloon_stat_tag tag, uint64_t value)
{
    return put_le(put_le(at, (uint64_t)tag, 2), value, 8);
}

void balloon_stats_encode(uint8_t *buffer, const struct balloon_stat_values *values)
{
    uint8_t *at = buffer;

    ASSERT(values->free_frames <= values->total_frames);
    at = put_entry(at, BALLOON_STAT_MEMFREE, values->free_frames * FRAME_SIZE);
    at = put_entry(at, BALLOON_STAT_MEMTOT, values->total_frames * FRAME_SIZE);
    at = put_entry(at, BALLOON_STAT_AVAIL, values->available_frames * FRAME_SIZE);
    at = put_entry(at, BALLOON_STAT_CACHES, values->cache_frames * FRAME_SIZE);
    at = put_entry(at, BALLOON_STAT_SWAP_IN, 0);
    at = put_entry(at, BALLOON_STAT_SWAP_OUT, 0);
    at = put_entry(at, BALLOON_STAT_MAJFLT, 0);
    at = put_entry(at, BALLOON_STAT_MINFLT, 0);
    at = put_entry(at, BALLOON_STAT_OOM_KILL, 0);
    at = put_entry(at, BALLOON_STAT_ALLOC_STALL, values->alloc_stalls);
    at = put_entry(at, BALLOON_STAT_ASYNC_RECLAIM, values->async_reclaimed_frames);
    at = put_entry(at, BALLOON_STAT_DIRECT_RECLAIM, values->direct_reclaimed_frames);
    ASSERT(at == buffer + BALLOON_STATS_BYTES);
}
