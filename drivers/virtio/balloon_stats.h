/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The content of the statistics buffer [VIRTIO 1.4 §5.5.6.3]: pure encoding.
 *
 *   tag                    value
 *   0, 1  SWAP_IN, _OUT    0: nothing is ever swapped
 *   2, 3  MAJFLT, MINFLT   0: a page fault is an error here, none is ever served
 *   4     MEMFREE          used by nobody
 *   5     MEMTOT           what the guest manages: without what is in the balloon
 *   6     AVAIL            what the host could take now: free above the floor, and caches
 *   7     CACHES           what applications have said they can give up
 *   10    OOM_KILL         0: no task is ever killed for its memory
 *   11    ALLOC_STALL      allocations that found nothing free and made others give up memory
 *   14    ASYNC_RECLAIM    frames given up because the host wanted them
 *   15    DIRECT_RECLAIM   frames given up, or taken out of the balloon, for such an allocation
 *
 * Left out, as a subset MAY be [VIRTIO 1.4 §5.5.6.3.1]: 8, 9 (there is no hugetlb pool) and 12, 13
 * (nothing is scanned in search of memory): zero would claim that they were counted.
 */

#include <stddef.h>
#include <stdint.h>

/* Tags [VIRTIO 1.4 §5.5.6.4]; from 10 on observed: Linux 6.12, QEMU 9.2. */
enum balloon_stat_tag {
    BALLOON_STAT_SWAP_IN = 0,
    BALLOON_STAT_SWAP_OUT = 1,
    BALLOON_STAT_MAJFLT = 2,
    BALLOON_STAT_MINFLT = 3,
    BALLOON_STAT_MEMFREE = 4,
    BALLOON_STAT_MEMTOT = 5,
    BALLOON_STAT_AVAIL = 6,
    BALLOON_STAT_CACHES = 7,
    BALLOON_STAT_OOM_KILL = 10,
    BALLOON_STAT_ALLOC_STALL = 11,
    BALLOON_STAT_ASYNC_RECLAIM = 14,
    BALLOON_STAT_DIRECT_RECLAIM = 15,
};

/*
 * The specification wants a buffer whose length is a multiple of 6 [VIRTIO 1.4 §5.5.6.3.1], which
 * is an erratum: an entry is le16 and le64, packed, 10 bytes, and devices want multiples of 10.
 * Twelve entries are 120 bytes and satisfy both readings. Every buffer has the same entries.
 */
#define BALLOON_STAT_ENTRY_BYTES 10U
#define BALLOON_STAT_ENTRIES     12U
#define BALLOON_STATS_BYTES      ((size_t)BALLOON_STAT_ENTRY_BYTES * BALLOON_STAT_ENTRIES)

struct balloon_stat_values {
    uint64_t total_frames;
    uint64_t free_frames;
    uint64_t cache_frames;
    uint64_t available_frames;
    uint64_t alloc_stalls;
    uint64_t async_reclaimed_frames;
    uint64_t direct_reclaimed_frames;
};

/* Writes BALLOON_STATS_BYTES bytes. */
void balloon_stats_encode(uint8_t *buffer, const struct balloon_stat_values *values);
