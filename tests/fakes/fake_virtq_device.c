/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's side of a split virtqueue, written from the device clauses of [VIRTIO 1.4 §2.7] and
 * sharing nothing with the driver but the layout. */

#include "tests/fakes/fake_virtq_device.h"

#include <string.h>

#include "base/assert.h"

static uint16_t *avail_event(struct fake_virtq_device *dev)
{
    return (uint16_t *)(void *)&dev->used->ring[dev->size];
}

static uint16_t load16(const uint16_t *from)
{
    return __atomic_load_n(from, __ATOMIC_SEQ_CST);
}

static void store16(uint16_t *to, uint16_t value)
{
    __atomic_store_n(to, value, __ATOMIC_SEQ_CST);
}

void fake_virtq_device_attach(struct fake_virtq_device *dev, const struct virtq *vq)
{
    /* [VIRTIO 1.4 §2.7.1] */
    ASSERT(vq->desc_address % 16 == 0);
    ASSERT(vq->avail_address % 2 == 0);
    ASSERT(vq->used_address % 4 == 0);
    memset(dev, 0, sizeof(*dev));
    dev->desc = (const void *)(uintptr_t)vq->desc_address;
    dev->avail = (const void *)(uintptr_t)vq->avail_address;
    dev->used = (void *)(uintptr_t)vq->used_address;
    dev->size = vq->size;
    dev->event_idx = vq->event_idx;
    dev->indirect = vq->indirect;
    dev->avail_next = dev->used_next = dev->signalled = load16(&dev->used->idx);
}

/* Follows one chain in `table` and checks the driver's clauses on the way. */
static void follow(struct fake_virtq_request *request, const struct virtq_desc *table,
                   unsigned table_size, unsigned limit, uint16_t at)
{
    uint64_t bytes = 0;
    unsigned count = 0;

    for (;;) {
        const struct virtq_desc *desc = &table[at];

        ASSERT(at < table_size);
        ASSERT(count < limit);
        ASSERT((desc->flags & VIRTQ_DESC_INDIRECT) == 0);
        ASSERT(desc->bytes != 0);
        request->buffers[count].address = desc->address;
        request->buffers[count].bytes = desc->bytes;
        count++;
        bytes += desc->bytes;
        if ((desc->flags & VIRTQ_DESC_WRITE) != 0) {
            request->writable++;
        } else {
            ASSERT(request->writable == 0); /* [VIRTIO 1.4 §2.7.4.2] */
            request->readable++;
        }
        if ((desc->flags & VIRTQ_DESC_NEXT) == 0) {
            break;
        }
        at = desc->next;
    }
    ASSERT(bytes <= UINT64_C(1) << 32); /* [VIRTIO 1.4 §2.7.5.2] */
}

bool fake_virtq_device_pop(struct fake_virtq_device *dev, struct fake_virtq_request *request)
{
    uint16_t idx = load16(&dev->avail->idx);
    const struct virtq_desc *head;

    ASSERT((uint16_t)(idx - dev->avail_next) <= dev->size);
    if (idx == dev->avail_next) {
        return false;
    }
    memset(request, 0, sizeof(*request));
    request->head = dev->avail->ring[dev->avail_next % dev->size];
    ASSERT(request->head < dev->size);
    head = &dev->desc[request->head];
    if ((head->flags & VIRTQ_DESC_INDIRECT) != 0) {
        unsigned entries = head->bytes / (unsigned)sizeof(struct virtq_desc);

        /* [VIRTIO 1.4 §2.7.5.3.1] */
        ASSERT(dev->indirect);
        ASSERT((head->flags & VIRTQ_DESC_NEXT) == 0);
        ASSERT(head->bytes % sizeof(struct virtq_desc) == 0 && entries <= dev->size);
        request->indirect = true;
        follow(request, (const void *)(uintptr_t)head->address, entries, entries, 0);
        ASSERT(request->readable + request->writable == entries);
    } else {
        follow(request, dev->desc, dev->size, dev->size, request->head);
    }
    dev->avail_next++;
    return true;
}

void fake_virtq_device_push(struct fake_virtq_device *dev, uint32_t head, uint32_t bytes)
{
    fake_virtq_device_write_entry(dev, dev->used_next, head, bytes);
    dev->used_next++;
    store16(&dev->used->idx, dev->used_next);
}

bool fake_virtq_device_interrupts(struct fake_virtq_device *dev)
{
    uint16_t before = dev->signalled;
    uint16_t event;

    dev->signalled = dev->used_next;
    if (before == dev->used_next) {
        return false;
    }
    if (!dev->event_idx) {
        ASSERT(load16(&dev->avail->flags) <= 1); /* [VIRTIO 1.4 §2.7.7.1] */
        return (load16(&dev->avail->flags) & VIRTQ_AVAIL_NO_INTERRUPT) == 0;
    }
    ASSERT(load16(&dev->avail->flags) == 0);
    /* Literally: was the entry with this index among those written? */
    event = load16(&dev->avail->ring[dev->size]);
    for (uint16_t i = before; i != dev->used_next; i++) {
        if (i == event) {
            return true;
        }
    }
    return false;
}

bool fake_virtq_device_sleep(struct fake_virtq_device *dev)
{
    if (dev->event_idx) {
        store16(avail_event(dev), dev->avail_next);
    } else {
        store16(&dev->used->flags, 0);
    }
    return load16(&dev->avail->idx) != dev->avail_next;
}

void fake_virtq_device_poll(struct fake_virtq_device *dev)
{
    if (dev->event_idx) {
        store16(avail_event(dev), (uint16_t)(dev->avail_next + 0x8000U));
    } else {
        store16(&dev->used->flags, VIRTQ_USED_NO_NOTIFY);
    }
}

void fake_virtq_device_write_entry(struct fake_virtq_device *dev, uint16_t index, uint32_t head,
                                   uint32_t bytes)
{
    dev->used->ring[index % dev->size].id = head;
    dev->used->ring[index % dev->size].bytes = bytes;
}

void fake_virtq_device_write_idx(struct fake_virtq_device *dev, uint16_t idx)
{
    dev->used_next = idx;
    store16(&dev->used->idx, idx);
}

void fake_virtq_device_write_avail_event(struct fake_virtq_device *dev, uint16_t event)
{
    ASSERT(dev->event_idx);
    store16(avail_event(dev), event);
}
