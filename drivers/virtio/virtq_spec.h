/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the specification fixes about virtqueues: the layout in memory and the flags. All fields are
 * little-endian, as is every machine this kernel runs on.
 *
 * Split [VIRTIO 1.4 §2.7]:
 *     desc[size]                        16 bytes each, aligned to 16
 *     flags idx ring[size] used_event   the available ring, 2 bytes each, aligned to 2
 *     flags idx ring[size] avail_event  the used ring, ring entries of 8 bytes, aligned to 4
 *
 * Packed [VIRTIO 1.4 §2.8]:
 *     desc[size]                        16 bytes each, aligned to 16
 *     position flags                    two event suppression structures, aligned to 4
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

#define VIRTQ_DESC_NEXT     1U /* the chain goes on: at `next`; packed: in the next slot */
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

struct virtq_packed_desc {
    uint64_t address;
    uint32_t bytes; /* used: written into the device-writable buffers */
    uint16_t id;    /* valid in the last descriptor of a chain and in a used one */
    uint16_t flags;
};

/* Available: AVAIL equals the driver's wrap counter and USED does not. Used: both equal the
 * device's. [VIRTIO 1.4 §2.8.1] */
#define VIRTQ_PACKED_AVAIL (1U << 7)
#define VIRTQ_PACKED_USED  (1U << 15)

/* One 32-bit word, so that it is read and written in one piece: bits 0 to 14 the ring offset of an
 * event, bit 15 its wrap counter, bits 16 and 17 the VIRTQ_EVENT_* [VIRTIO 1.4 §2.8.14]. */
struct virtq_event {
    uint32_t word;
};

#define VIRTQ_EVENT_OFFSET_MASK 0x7fffU
#define VIRTQ_EVENT_WRAP        (1U << 15)
#define VIRTQ_EVENT_FLAGS_SHIFT 16U
#define VIRTQ_EVENT_FLAGS_MASK  3U
#define VIRTQ_EVENT_ENABLE      0U
#define VIRTQ_EVENT_DISABLE     1U
#define VIRTQ_EVENT_DESC        2U /* only with VIRTIO_F_EVENT_IDX */

STATIC_ASSERT(sizeof(struct virtq_desc) == 16, "descriptor layout [VIRTIO 1.4 §2.7.5]");
STATIC_ASSERT(sizeof(struct virtq_avail) == 4, "available ring layout [VIRTIO 1.4 §2.7.6]");
STATIC_ASSERT(sizeof(struct virtq_used_entry) == 8, "used entry layout [VIRTIO 1.4 §2.7.8]");
STATIC_ASSERT(sizeof(struct virtq_used) == 4, "used ring layout [VIRTIO 1.4 §2.7.8]");
STATIC_ASSERT(sizeof(struct virtq_packed_desc) == 16, "descriptor layout [VIRTIO 1.4 §2.8.13]");
STATIC_ASSERT(sizeof(struct virtq_event) == 4, "event layout [VIRTIO 1.4 §2.8.14]");

/* Does moving an index from `before` to `now` pass `event`, the entry the other side waits for?
 * All arithmetic is modulo 65536. [VIRTIO 1.4 §2.7.7.1, §2.7.10.1] */
static inline bool virtq_event_passed(uint16_t event, uint16_t now, uint16_t before)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}
