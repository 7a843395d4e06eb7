/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue numbers of the balloon. Observed: QEMU 7.2 and Firecracker 1.7 number consecutively over
 * what they offer, Linux' driver over what was negotiated, libkrun as the specification says.
 */

#include "drivers/virtio/balloon_queues.h"

#include "base/assert.h"

uint64_t balloon_queue_feature(enum balloon_queue queue)
{
    static const uint64_t features[BALLOON_QUEUES] = {
        [BALLOON_QUEUE_STATS] = BALLOON_F_STATS_VQ,
        [BALLOON_QUEUE_HINT] = BALLOON_F_FREE_PAGE_HINT,
        [BALLOON_QUEUE_REPORT] = BALLOON_F_PAGE_REPORTING,
    };

    ASSERT(queue < BALLOON_QUEUES);
    return features[queue];
}

bool balloon_queues_number(struct balloon_queues *queues, uint64_t features, uint64_t queue_count,
                           uint64_t *missing)
{
    uint16_t next = 0;
    bool negotiated[BALLOON_QUEUES];
    unsigned wanted = 0;

    for (unsigned q = 0; q < BALLOON_QUEUES; q++) {
        uint64_t feature = balloon_queue_feature((enum balloon_queue)q);

        negotiated[q] = feature == 0 || (features & feature) != 0;
        wanted += negotiated[q];
    }
    /* All five queues, but not all features: then the others leave gaps. */
    queues->fixed = queue_count == BALLOON_QUEUES && wanted < BALLOON_QUEUES;
    for (unsigned q = 0; q < BALLOON_QUEUES; q++) {
        uint16_t number = queues->fixed ? (uint16_t)q : next;

        queues->index[q] = BALLOON_QUEUE_NONE;
        if (!negotiated[q]) {
            continue;
        }
        if (number >= queue_count) {
            *missing = balloon_queue_feature((enum balloon_queue)q);
            return false;
        }
        queues->index[q] = number;
        next++;
    }
    return true;
}
