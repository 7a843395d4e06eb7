/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the specification fixes about the split virtqueue [VIRTIO 1.4 §2.7]: the layout in memory
 * and the flags. All fields are little-endian, as is every machine this kernel runs on.
 *
 *     desc[size]                       16 bytes each, aligned to 16
 *     flags idx ring[size] used_event   the available ring, 2 bytes each, aligned to 2
 *     flags idx ring[size] avail_event  the used ring, ring entries of 8 bytes, aligned to 4
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"

struct virtq_desc {
    uint64_t address;
    uint32_t bytes;
    uint16_t flags;
    uint16_t next;
};

#define VIRTQ_DESC_NEXT     1U /* the chain goes on at `next` */
#define VIRTQ_DESC_WRITE    2U /* the device writes this buffer, otherwise it reads it */
#define VIRTQ_DESC_INDIRECT 4U /* the buffer is a table of descriptors */

/* Written by the driver; ring[size] is used_event. */
struct virtq_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};

#define VIRTQ_AVAIL_NO_INTERRUPT 1U

struct virtq_used_entry {
    uint32_t id;    /* head of the descriptor chain */
    uint32_t bytes; /* written into the device-writable buffers */
};

/* Written by the device; a uint16_t avail_event follows ring[size - 1]. */
struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_entry ring[];
};

#define VIRTQ_USED_NO_NOTIFY 1U

STATIC_ASSERT(sizeof(struct virtq_desc) == 16, "descriptor layout [VIRTIO 1.4 §2.7.5]");
STATIC_ASSERT(sizeof(struct virtq_avail) == 4, "available ring layout [VIRTIO 1.4 §2.7.6]");
STATIC_ASSERT(sizeof(struct virtq_used_entry) == 8, "used entry layout [VIRTIO 1.4 §2.7.8]");
STATIC_ASSERT(sizeof(struct virtq_used) == 4, "used ring layout [VIRTIO 1.4 §2.7.8]");

/* Does moving an index from `before` to `now` pass `event`, the entry the other side waits for?
 * All arithmetic is modulo 65536. [VIRTIO 1.4 §2.7.7.1, §2.7.10.1] */
static inline bool virtq_event_passed(uint16_t event, uint16_t now, uint16_t before)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}
