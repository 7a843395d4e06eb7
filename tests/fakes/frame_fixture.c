/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixture of the page-frame allocator's unit tests (frame_fixture.h). The metadata comes from
 * the heap, so that the address sanitizer sees every step beyond it, and is filled with garbage,
 * because the contract says that nobody zeroes it.
 */

#include "tests/fakes/frame_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

unsigned char *fixture_metadata;
size_t fixture_metadata_bytes;

err_t fixture_start_ranges(const struct frame_range *ranges, unsigned count, bool warm)
{
    pfn_t end = ranges[count - 1].first + ranges[count - 1].count;

    free(fixture_metadata);
    fixture_metadata_bytes = frame_metadata_bytes(end);
    fixture_metadata = aligned_alloc(64, fixture_metadata_bytes);
    ASSERT(fixture_metadata != NULL);
    memset(fixture_metadata, FIXTURE_GARBAGE, fixture_metadata_bytes);
    return frame_init(fixture_metadata, fixture_metadata_bytes, ranges, count, warm);
}

void fixture_start(unsigned blocks, bool warm)
{
    static struct frame_range range;

    range = (struct frame_range){ BLOCK_FRAMES, blocks * BLOCK_FRAMES };
    ASSERT(fixture_start_ranges(&range, 1, warm) == OK);
}

int fixture_stop(void **state)
{
    (void)state;
    free(fixture_metadata);
    fixture_metadata = NULL;
    return 0;
}

struct frame_stats fixture_stats(void)
{
    struct frame_stats stats;

    frame_stats(&stats);
    ASSERT(stats.total == stats.free_backed + stats.free_returned + stats.in_use + stats.away);
    return stats;
}

pfn_t fixture_alloc_order(unsigned order)
{
    pfn_t first = PFN_NONE;

    ASSERT(frame_alloc_order(order, &first) == OK);
    return first;
}

pfn_t fixture_alloc_run(pfn_t count)
{
    pfn_t first = PFN_NONE;

    ASSERT(frame_alloc_run(count, &first) == OK);
    return first;
}

void fixture_assert_take(pfn_t max, pfn_t first, pfn_t count)
{
    pfn_t got_first = PFN_NONE;
    pfn_t got_count = 0;

    ASSERT(frame_take_run(max, &got_first, &got_count) == OK);
    ASSERT(got_first == first);
    ASSERT(got_count == count);
}
