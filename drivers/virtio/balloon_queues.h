/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The balloon's features, and the numbers of its queues [VIRTIO 1.4 §5.5.2, §5.5.3]: pure.
 *
 * The specification gives the five queues fixed numbers. Most hosts number consecutively over the
 * features they offer, some over those that were negotiated, some keep to the fixed numbers. A
 * driver that accepts every feature with a queue cannot tell the first two apart and need not; a
 * fixed numbering shows, because there are queues for features that are not offered.
 */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/virtio/virtio.h"

#define BALLOON_F_MUST_TELL_HOST (UINT64_C(1) << 0)
#define BALLOON_F_STATS_VQ       (UINT64_C(1) << 1)
#define BALLOON_F_DEFLATE_ON_OOM (UINT64_C(1) << 2)
#define BALLOON_F_FREE_PAGE_HINT (UINT64_C(1) << 3)
#define BALLOON_F_PAGE_POISON    (UINT64_C(1) << 4)
#define BALLOON_F_PAGE_REPORTING (UINT64_C(1) << 5)

enum balloon_queue {
    BALLOON_QUEUE_INFLATE,
    BALLOON_QUEUE_DEFLATE,
    BALLOON_QUEUE_STATS,
    BALLOON_QUEUE_HINT,
    BALLOON_QUEUE_REPORT,
    BALLOON_QUEUES,
};

#define BALLOON_QUEUE_NONE 0xffffU

struct balloon_queues {
    uint16_t index[BALLOON_QUEUES]; /* BALLOON_QUEUE_NONE: not negotiated */
    bool fixed;                     /* the device numbers as the specification does */
};

/* The feature a queue belongs to; 0 for the first two, which every balloon has. */
uint64_t balloon_queue_feature(enum balloon_queue queue);

/*
 * The numbers under `features`, which are negotiated, at a device with `queue_count` queues. False:
 * the device lacks one of them; *missing is the feature to do without, 0 when inflating or
 * deflating itself is impossible.
 */
bool balloon_queues_number(struct balloon_queues *queues, uint64_t features, uint64_t queue_count,
                           uint64_t *missing);
