/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the pool that is made for speed, while the rest of it is made small (SMALL in the
 * Makefile): the numbers of frames are written into the open request.
 */

#include "drivers/virtio/balloon_pool.h"

#include "base/assert.h"
#include "base/bits.h"

/* The hot loop of ballooning: every frame that moves passes here. Four numbers a round leave less
 * than three instructions for each. */
static void write_run(uint32_t *to, pfn_t first, pfn_t count)
{
    for (; count >= 4; count -= 4) {
        to[0] = first;
        to[1] = first + 1;
        to[2] = first + 2;
        to[3] = first + 3;
        to += 4;
        first += 4;
    }
    for (; count > 0; count--) {
        *to++ = first++;
    }
}

pfn_t balloon_pool_append(struct balloon_pool *pool, pfn_t first, pfn_t count)
{
    pfn_t fits = (pfn_t)min_u64(count, balloon_pool_open_room(pool));
    uint64_t at = (uint64_t)pool->open * pool->pfns_per_request + pool->filled;
    pfn_t left = fits;

    ASSERT(pool->opened);
    ASSERT(count > 0);
    while (left > 0) {
        uint32_t offset = (uint32_t)(at % BALLOON_PFNS_PER_FRAME);
        pfn_t piece = (pfn_t)min_u64(left, BALLOON_PFNS_PER_FRAME - offset);

        ASSERT(at / BALLOON_PFNS_PER_FRAME < pool->held);
        write_run(pool->frame[at / BALLOON_PFNS_PER_FRAME].pfns + offset, first, piece);
        at += piece;
        first += piece;
        left -= piece;
    }
    pool->filled += fits;
    return fits;
}
