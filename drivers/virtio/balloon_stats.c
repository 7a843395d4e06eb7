/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics for the host. Every value is true: nothing is ever swapped here and there is no page
 * cache, so those three are zeros and not guesses; what this guest cannot know is left out,
 * which is allowed [VIRTIO 1.4 §5.5.6.3.1]. MEMTOT shrinks as the balloon grows.
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
    ASSERT(values->available_frames <= values->free_frames);
    at = put_entry(at, BALLOON_STAT_MEMFREE, values->free_frames * FRAME_SIZE);
    at = put_entry(at, BALLOON_STAT_MEMTOT, values->total_frames * FRAME_SIZE);
    at = put_entry(at, BALLOON_STAT_AVAIL, values->available_frames * FRAME_SIZE);
    at = put_entry(at, BALLOON_STAT_SWAP_IN, 0);
    at = put_entry(at, BALLOON_STAT_SWAP_OUT, 0);
    at = put_entry(at, BALLOON_STAT_CACHES, 0);
    ASSERT(at == buffer + BALLOON_STATS_BYTES);
}
