/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The content of the statistics buffer [VIRTIO 1.4 §5.5.6.3]: pure encoding. */

#include <stddef.h>
#include <stdint.h>

/* Tags [VIRTIO 1.4 §5.5.6.4]; memory amounts are in bytes. */
enum balloon_stat_tag {
    BALLOON_STAT_SWAP_IN = 0,
    BALLOON_STAT_SWAP_OUT = 1,
    BALLOON_STAT_MEMFREE = 4,
    BALLOON_STAT_MEMTOT = 5,
    BALLOON_STAT_AVAIL = 6,
    BALLOON_STAT_CACHES = 7,
};

/*
 * The specification wants a buffer whose length is a multiple of 6 [VIRTIO 1.4 §5.5.6.3.1], which
 * is an erratum: an entry is le16 and le64, packed, 10 bytes, and devices want multiples of 10. Six
 * entries are 60 bytes and satisfy both readings. Every buffer has the same entries.
 */
#define BALLOON_STAT_ENTRY_BYTES 10U
#define BALLOON_STAT_ENTRIES     6U
#define BALLOON_STATS_BYTES      ((size_t)BALLOON_STAT_ENTRY_BYTES * BALLOON_STAT_ENTRIES)

struct balloon_stat_values {
    uint64_t total_frames;     /* what the guest manages: without what is in the balloon */
    uint64_t free_frames;      /* used by nobody */
    uint64_t available_frames; /* what the host could take now: free above the floor */
};

/* Writes BALLOON_STATS_BYTES bytes. */
void balloon_stats_encode(uint8_t *buffer, const struct balloon_stat_values *values);
