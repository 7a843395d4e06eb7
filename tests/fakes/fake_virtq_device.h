/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The device's side of a virtqueue, split or packed. "Physical" addresses are host pointers, so it
 * reaches rings and buffers as a device would: through the addresses the driver gave it, nothing
 * else. It checks that the driver keeps the rules of [VIRTIO 1.4 §2.7, §2.8] (ASSERT) and can break
 * them itself. It may run on a thread of its own.
 */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/virtio/virtq.h"
#include "drivers/virtio/virtq_spec.h"

/* A place in the descriptor ring and the wrap counter there. */
struct fake_virtq_place {
    uint16_t slot;
    bool wrap;
};

struct fake_virtq_device {
    uint16_t size;
    bool packed;
    bool event_idx;
    bool indirect;
    bool says_no_write; /* packed: leaves WRITE out of what it returns, as QEMU does */
    /* split */
    const struct virtq_desc *desc;
    const struct virtq_avail *avail;
    struct virtq_used *used;
    uint16_t avail_next; /* next available entry to fetch */
    uint16_t used_next;  /* next used entry to write */
    uint16_t signalled;  /* used index at the last decision about an interrupt */
    /* packed */
    struct virtq_packed_desc *ring;
    const uint16_t *driver_event; /* place, flags */
    uint16_t *device_event;
    struct fake_virtq_place fetch;   /* next descriptor to fetch */
    struct fake_virtq_place give;    /* next descriptor to overwrite */
    unsigned outstanding;            /* descriptors fetched and not returned */
    uint16_t chain[VIRTQ_SIZE_MAX];  /* by id: descriptors of the request */
    bool written[2][VIRTQ_SIZE_MAX]; /* by wrap and slot: since the last decision */
    unsigned written_count;
};

struct fake_virtq_request {
    uint16_t id;
    bool indirect;
    unsigned readable;
    unsigned writable;
    struct virtq_buffer buffers[VIRTQ_SIZE_MAX];
};

/* Takes over addresses, size and features of the queue, as enabling it would. */
void fake_virtq_device_attach(struct fake_virtq_device *dev, const struct virtq *vq);

/* Fetches the next request, if there is one. */
bool fake_virtq_device_pop(struct fake_virtq_device *dev, struct fake_virtq_request *request);

/* Returns a request, or anything else, as if it had been one. */
void fake_virtq_device_push(struct fake_virtq_device *dev, uint32_t id, uint32_t bytes);

/* Whether the device must interrupt for what it pushed since it was last asked. */
bool fake_virtq_device_interrupts(struct fake_virtq_device *dev);

/* Asks to be notified of the next request; true when there is one already. */
bool fake_virtq_device_sleep(struct fake_virtq_device *dev);

/* Asks not to be notified. */
void fake_virtq_device_poll(struct fake_virtq_device *dev);

/* Misbehaviour of a split device: any entry and any index. */
void fake_virtq_device_write_entry(struct fake_virtq_device *dev, uint16_t index, uint32_t head,
                                   uint32_t bytes);
void fake_virtq_device_write_idx(struct fake_virtq_device *dev, uint16_t idx);
void fake_virtq_device_write_avail_event(struct fake_virtq_device *dev, uint16_t event);

/* Misbehaviour of a packed device: any descriptor and any wish. */
void fake_virtq_device_write_slot(struct fake_virtq_device *dev, uint16_t slot, uint16_t id,
                                  uint32_t bytes, uint16_t flags);
void fake_virtq_device_write_event(struct fake_virtq_device *dev, uint16_t place, uint16_t flags);
