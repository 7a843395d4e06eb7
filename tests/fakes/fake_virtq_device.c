/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a virtqueue, written from the device clauses of [VIRTIO 1.4 §2.7, §2.8] and
 * sharing nothing with the driver but the layout. Where the driver counts freely, this side keeps a
 * slot and a wrap counter, as the specification tells it.
 */

#include "tests/fakes/fake_virtq_device.h"

#include <string.h>

#include "base/assert.h"

#define CHAIN_FLAGS (VIRTQ_DESC_NEXT | VIRTQ_DESC_WRITE | VIRTQ_DESC_INDIRECT)

static uint16_t load16(const uint16_t *from)
{
    return __atomic_load_n(from, __ATOMIC_SEQ_CST);
}

static void store16(uint16_t *to, uint16_t value)
{
    __atomic_store_n(to, value, __ATOMIC_SEQ_CST);
}

static void fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void fake_virtq_device_attach(struct fake_virtq_device *dev, const struct virtq *vq)
{
    memset(dev, 0, sizeof(*dev));
    dev->size = vq->size;
    dev->packed = vq->packed;
    dev->event_idx = vq->event_idx;
    dev->indirect = vq->indirect;
    ASSERT(vq->desc_address % 16 == 0);
    if (dev->packed) {
        /* [VIRTIO 1.4 §2.8.11] */
        ASSERT(vq->avail_address % 4 == 0);
        ASSERT(vq->used_address % 4 == 0);
        dev->ring = (void *)(uintptr_t)vq->desc_address;
        dev->driver_event = (const void *)(uintptr_t)vq->avail_address;
        dev->device_event = (void *)(uintptr_t)vq->used_address;
        /* [VIRTIO 1.4 §2.8.1] */
        dev->fetch.wrap = dev->give.wrap = true;
        return;
    }
    /* [VIRTIO 1.4 §2.7.1] */
    ASSERT(vq->avail_address % 2 == 0);
    ASSERT(vq->used_address % 4 == 0);
    dev->desc = (const void *)(uintptr_t)vq->desc_address;
    dev->avail = (const void *)(uintptr_t)vq->avail_address;
    dev->used = (void *)(uintptr_t)vq->used_address;
    dev->avail_next = dev->used_next = dev->signalled = load16(&dev->used->idx);
}

/* ---- fetching ---- */

/* Notes one buffer and checks what holds for every one. */
static void note_buffer(struct fake_virtq_request *request, uint64_t address, uint32_t bytes,
                        bool writable)
{
    unsigned count = request->readable + request->writable;
    uint64_t sum = bytes;

    ASSERT(bytes != 0);
    request->buffers[count].address = address;
    request->buffers[count].bytes = bytes;
    for (unsigned i = 0; i < count; i++) {
        sum += request->buffers[i].bytes;
    }
    ASSERT(sum <= UINT64_C(1) << 32); /* [VIRTIO 1.4 §2.7.5.2] */
    if (writable) {
        request->writable++;
    } else {
        ASSERT(request->writable == 0); /* [VIRTIO 1.4 §2.7.4.2, §2.8.17] */
        request->readable++;
    }
}

/* Follows one split chain in `table`. */
static void follow(struct fake_virtq_request *request, const struct virtq_desc *table,
                   unsigned table_size, uint16_t at)
{
    for (;;) {
        const struct virtq_desc *desc = &table[at];

        ASSERT(at < table_size);
        ASSERT(request->readable + request->writable < table_size); /* no loop */
        ASSERT((desc->flags & VIRTQ_DESC_INDIRECT) == 0);
        note_buffer(request, desc->address, desc->bytes, (desc->flags & VIRTQ_DESC_WRITE) != 0);
        if ((desc->flags & VIRTQ_DESC_NEXT) == 0) {
            break;
        }
        at = desc->next;
    }
}

static bool split_pop(struct fake_virtq_device *dev, struct fake_virtq_request *request)
{
    uint16_t idx = load16(&dev->avail->idx);
    const struct virtq_desc *head;

    /* It is never decremented, and nothing is offered that is not there [VIRTIO 1.4 §2.7.6.1]. */
    ASSERT((uint16_t)(idx - dev->avail_next) <= dev->size);
    if (idx == dev->avail_next) {
        return false;
    }
    request->id = dev->avail->ring[dev->avail_next % dev->size];
    ASSERT(request->id < dev->size);
    head = &dev->desc[request->id];
    if ((head->flags & VIRTQ_DESC_INDIRECT) != 0) {
        unsigned entries = head->bytes / (unsigned)sizeof(struct virtq_desc);

        /* [VIRTIO 1.4 §2.7.5.3.1] */
        ASSERT(dev->indirect);
        ASSERT((head->flags & VIRTQ_DESC_NEXT) == 0);
        ASSERT(head->bytes % sizeof(struct virtq_desc) == 0 && entries <= dev->size);
        request->indirect = true;
        follow(request, (const void *)(uintptr_t)head->address, entries, 0);
        ASSERT(request->readable + request->writable == entries);
    } else {
        follow(request, dev->desc, dev->size, request->id);
    }
    dev->avail_next++;
    return true;
}

static struct fake_virtq_place step(const struct fake_virtq_device *dev,
                                    struct fake_virtq_place place, unsigned slots)
{
    while (slots-- > 0) {
        place.slot++;
        if (place.slot == dev->size) {
            place.slot = 0;
            place.wrap = !place.wrap;
        }
    }
    return place;
}

/* [VIRTIO 1.4 §2.8.1] */
static bool is_available(uint16_t flags, bool wrap)
{
    bool avail = (flags & VIRTQ_PACKED_AVAIL) != 0;
    bool used = (flags & VIRTQ_PACKED_USED) != 0;

    return avail == wrap && used != wrap;
}

static void follow_packed_table(struct fake_virtq_request *request,
                                const struct virtq_packed_desc *head, unsigned size)
{
    const struct virtq_packed_desc *table = (const void *)(uintptr_t)head->address;
    unsigned entries = head->bytes / (unsigned)sizeof(struct virtq_packed_desc);

    ASSERT(head->bytes % sizeof(struct virtq_packed_desc) == 0);
    ASSERT(entries >= 1 && entries <= size);
    for (unsigned i = 0; i < entries; i++) {
        ASSERT((table[i].flags & ~VIRTQ_DESC_WRITE) == 0); /* [VIRTIO 1.4 §2.8.19] */
        note_buffer(request, table[i].address, table[i].bytes, table[i].flags != 0);
    }
}

static bool packed_pop(struct fake_virtq_device *dev, struct fake_virtq_request *request)
{
    struct fake_virtq_place at = dev->fetch;
    uint16_t count = 0;
    uint16_t flags;

    if (!is_available(load16(&dev->ring[at.slot].flags), at.wrap)) {
        return false;
    }
    do {
        const struct virtq_packed_desc *desc = &dev->ring[at.slot];

        flags = load16(&desc->flags);
        /* The rest of a list is there before its head [VIRTIO 1.4 §2.8.17]. */
        ASSERT(is_available(flags, at.wrap));
        ASSERT((flags & ~(CHAIN_FLAGS | VIRTQ_PACKED_AVAIL | VIRTQ_PACKED_USED)) == 0);
        if ((flags & VIRTQ_DESC_INDIRECT) != 0) {
            /* Alone, and only when negotiated [VIRTIO 1.4 §2.8.19]. */
            ASSERT(dev->indirect && count == 0 && (flags & VIRTQ_DESC_NEXT) == 0);
            request->indirect = true;
            follow_packed_table(request, desc, dev->size);
        } else {
            note_buffer(request, desc->address, desc->bytes, (flags & VIRTQ_DESC_WRITE) != 0);
        }
        request->id = desc->id; /* that of the last one counts [VIRTIO 1.4 §2.8.6] */
        count++;
        at = step(dev, at, 1);
        ASSERT(count <= dev->size); /* [VIRTIO 1.4 §2.8.17] */
    } while ((flags & VIRTQ_DESC_NEXT) != 0);
    /* No descriptor is written anew before it was used [VIRTIO 1.4 §2.8.16]. */
    dev->outstanding += count;
    ASSERT(dev->outstanding <= dev->size);
    ASSERT(request->id < dev->size && dev->chain[request->id] == 0);
    dev->chain[request->id] = count;
    dev->fetch = at;
    return true;
}

bool fake_virtq_device_pop(struct fake_virtq_device *dev, struct fake_virtq_request *request)
{
    memset(request, 0, offsetof(struct fake_virtq_request, buffers));
    return dev->packed ? packed_pop(dev, request) : split_pop(dev, request);
}

/* ---- returning ---- */

static void packed_push(struct fake_virtq_device *dev, uint16_t id, uint32_t bytes)
{
    uint16_t slots = id < dev->size && dev->chain[id] != 0 ? dev->chain[id] : 1;
    uint16_t flags = dev->give.wrap ? VIRTQ_PACKED_AVAIL | VIRTQ_PACKED_USED : 0;

    if (bytes != 0 && !dev->says_no_write) {
        flags |= VIRTQ_DESC_WRITE; /* [VIRTIO 1.4 §2.8.3] */
    }
    if (id < dev->size) {
        dev->outstanding -= dev->chain[id];
        dev->chain[id] = 0;
    }
    dev->written[dev->give.wrap][dev->give.slot] = true;
    dev->written_count++;
    fake_virtq_device_write_slot(dev, dev->give.slot, id, bytes, flags);
    dev->give = step(dev, dev->give, slots);
}

void fake_virtq_device_push(struct fake_virtq_device *dev, uint32_t id, uint32_t bytes)
{
    if (dev->packed) {
        packed_push(dev, (uint16_t)id, bytes);
        return;
    }
    fake_virtq_device_write_entry(dev, dev->used_next, id, bytes);
    dev->used_next++;
    store16(&dev->used->idx, dev->used_next);
}

/* ---- interrupts ---- */

static bool split_interrupts(struct fake_virtq_device *dev)
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

/* Literally: was this very descriptor written, in this round? [VIRTIO 1.4 §2.8.10] */
static bool packed_interrupts(struct fake_virtq_device *dev)
{
    uint16_t flags = load16(&dev->driver_event[1]);
    uint16_t place = load16(&dev->driver_event[0]);
    uint16_t slot = place & 0x7fff;
    bool yes;

    if (dev->written_count == 0) {
        return false;
    }
    ASSERT(flags <= (dev->event_idx ? 2 : 1)); /* [VIRTIO 1.4 §2.8.10, §2.8.14] */
    ASSERT(flags != 2 || slot < dev->size);
    yes = flags == 0 || (flags == 2 && dev->written[place >> 15][slot]);
    dev->written_count = 0;
    memset(dev->written[0], 0, dev->size);
    memset(dev->written[1], 0, dev->size);
    return yes;
}

bool fake_virtq_device_interrupts(struct fake_virtq_device *dev)
{
    fence();
    return dev->packed ? packed_interrupts(dev) : split_interrupts(dev);
}

/* ---- notifications ---- */

static uint16_t *avail_event(struct fake_virtq_device *dev)
{
    return (uint16_t *)(void *)&dev->used->ring[dev->size];
}

bool fake_virtq_device_sleep(struct fake_virtq_device *dev)
{
    if (dev->packed) {
        uint16_t place = (uint16_t)(dev->fetch.slot | (dev->fetch.wrap ? 0x8000U : 0U));

        fake_virtq_device_write_event(dev, place, dev->event_idx ? 2 : 0);
        fence();
        return is_available(load16(&dev->ring[dev->fetch.slot].flags), dev->fetch.wrap);
    }
    if (dev->event_idx) {
        store16(avail_event(dev), dev->avail_next);
    } else {
        store16(&dev->used->flags, 0);
    }
    fence();
    return load16(&dev->avail->idx) != dev->avail_next;
}

void fake_virtq_device_poll(struct fake_virtq_device *dev)
{
    if (dev->packed) {
        fake_virtq_device_write_event(dev, 0, 1);
    } else if (dev->event_idx) {
        store16(avail_event(dev), (uint16_t)(dev->avail_next + 0x8000U));
    } else {
        store16(&dev->used->flags, VIRTQ_USED_NO_NOTIFY);
    }
}

/* ---- misbehaviour ---- */

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
    ASSERT(!dev->packed && dev->event_idx);
    store16(avail_event(dev), event);
}

void fake_virtq_device_write_slot(struct fake_virtq_device *dev, uint16_t slot, uint16_t id,
                                  uint32_t bytes, uint16_t flags)
{
    ASSERT(dev->packed && slot < dev->size);
    dev->ring[slot].id = id;
    dev->ring[slot].bytes = bytes;
    store16(&dev->ring[slot].flags, flags);
}

void fake_virtq_device_write_event(struct fake_virtq_device *dev, uint16_t place, uint16_t flags)
{
    ASSERT(dev->packed);
    store16(&dev->device_event[0], place);
    store16(&dev->device_event[1], flags);
}
