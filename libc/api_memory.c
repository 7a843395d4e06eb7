/* SPDX-License-Identifier: BSD-2-Clause */
/* aerostat.h: pages, how memory stands, and the balloon. Frames below, bytes above. */

#include "aerostat.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/memory.h"

#include "kernel/balloon_service.h"
#include "mm/frame.h"

STATIC_ASSERT(AEROSTAT_PAGE_BYTES == FRAME_SIZE, "the number in the public header");
STATIC_ASSERT(AEROSTAT_HUGE_BYTES == BLOCK_SIZE, "the number in the public header");

static uint64_t bytes_of(uint64_t frames)
{
    return frames << FRAME_SHIFT;
}

/* Runs of a block and more begin at a block; for other alignments more is taken, and what is too
 * much on either side given back. */
void *aerostat_pages_alloc(size_t bytes, size_t align)
{
    uint64_t count = (bytes + FRAME_SIZE - 1) >> FRAME_SHIFT;
    uint64_t step = align <= FRAME_SIZE ? 1 : align >> FRAME_SHIFT;
    uint64_t spare = step == 1 || (count >= BLOCK_FRAMES && step <= BLOCK_FRAMES) ? 0 : step - 1;
    pfn_t first;

    ASSERT(align != 0 && (align & (align - 1)) == 0);
    if (count == 0 || bytes > SIZE_MAX - FRAME_SIZE || count + spare > UINT32_MAX ||
        frame_alloc_run((pfn_t)(count + spare), &first) != OK) {
        return NULL;
    }
    pfn_t begin = (pfn_t)align_up(first, step);

    if (begin > first) {
        frame_free_run(first, begin - first);
    }
    if (spare > begin - first) {
        frame_free_run(begin + (pfn_t)count, (pfn_t)spare - (begin - first));
    }
    return (void *)(uintptr_t)frame_address(begin);
}

/* The length of the last piece is remembered, so that fragmented memory is not searched again and
 * again for long ones; it doubles with every success. Longer than a block is no piece. */
void *aerostat_pages_some(size_t bytes, size_t *got)
{
    static uint64_t reach = BLOCK_FRAMES;
    pfn_t first;

    ASSERT(bytes > 0);
    for (uint64_t count = min_u64((bytes - 1) / FRAME_SIZE + 1, reach); count > 1; count /= 2) {
        if (frame_try_run((pfn_t)count, &first) == OK) {
            reach = min_u64(2 * count, BLOCK_FRAMES);
            *got = (size_t)bytes_of(count);
            return (void *)(uintptr_t)frame_address(first);
        }
        reach = count;
    }
    first = frame_alloc();
    reach = 2;
    if (first == PFN_NONE) {
        return NULL;
    }
    *got = FRAME_SIZE;
    return (void *)(uintptr_t)frame_address(first);
}

void aerostat_pages_free(void *pages, size_t bytes)
{
    ASSERT((uintptr_t)pages % FRAME_SIZE == 0);
    if (bytes > 0) {
        frame_free_run((pfn_t)((uintptr_t)pages >> FRAME_SHIFT),
                       (pfn_t)((bytes + FRAME_SIZE - 1) >> FRAME_SHIFT));
    }
}

void aerostat_memory(struct aerostat_memory *memory)
{
    struct frame_stats stats;

    frame_stats(&stats);
    *memory = (struct aerostat_memory){ .total_bytes = bytes_of(stats.total),
                                        .in_use_bytes = bytes_of(stats.in_use),
                                        .backed_bytes = bytes_of(stats.free_backed),
                                        .returned_bytes = bytes_of(stats.free_returned),
                                        .balloon_bytes = bytes_of(stats.away) };
}

void aerostat_balloon(struct aerostat_balloon *balloon)
{
    *balloon = (struct aerostat_balloon){ .present = balloon_service_serves(),
                                          .target_bytes = bytes_of(balloon_service_target()),
                                          .actual_bytes = bytes_of(balloon_service_actual()) };
}
