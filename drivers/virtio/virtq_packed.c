/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packed ring [VIRTIO 1.4 §2.8]: one ring of descriptors in which the driver offers requests,
 * in consecutive slots, and the device overwrites them with returns. Two bits in each descriptor
 * tell to which round of the ring it belongs and who wrote it last. The notes about requests, the
 * fences and the checks are in virtq.c.
 *
 * Invariants: positions count slots and run freely; since the queue's size divides 65536 a round
 * has no other state, and the wrap counter is one bit of the position. The descriptor at
 * `published` is not available before virtq_packed_reveal(), whatever stands behind it, and the
 * device works in the order of the ring [VIRTIO 1.4 §2.8.12]: so nothing behind it is visible.
 */

#include "base/assert.h"
#include "base/barrier.h"
#include "drivers/virtio/virtq.h"
#include "drivers/virtio/virtq_internal.h"
#include "drivers/virtio/virtq_spec.h"

STATIC_ASSERT(VIRTQ_SIZE_MAX <= VIRTQ_EVENT_OFFSET_MASK + 1U, "a slot must fit an event's offset");

/* ---- positions ---- */

static uint16_t slot_of(const struct virtq *vq, uint16_t position)
{
    return (uint16_t)(position & (vq->size - 1U));
}

/* The wrap counter at a position: 1 in the first round [VIRTIO 1.4 §2.8.1]. */
static bool wrap_of(const struct virtq *vq, uint16_t position)
{
    return (position & vq->size) == 0;
}

/* ---- adding requests ---- */

static uint16_t avail_flags(const struct virtq *vq, uint16_t position)
{
    return wrap_of(vq, position) ? VIRTQ_PACKED_AVAIL : VIRTQ_PACKED_USED;
}

/* Writes the descriptor at avail_next. The flags of the first one that the device has not been
 * shown are held back: they are what makes it and all behind it available. */
static void put_slot(struct virtq *vq, uint16_t id, const struct virtq_buffer *buffer,
                     uint16_t flags)
{
    struct virtq_packed_desc *desc = &vq->ring[slot_of(vq, vq->avail_next)];

    flags |= avail_flags(vq, vq->avail_next);
    desc->address = buffer->address;
    desc->bytes = buffer->bytes;
    desc->id = id; /* counts in the last descriptor of a chain [VIRTIO 1.4 §2.8.6] */
    if (vq->avail_next == vq->published) {
        vq->held_flags = flags;
    } else {
        virtq_store16(&desc->flags, flags);
    }
    vq->avail_next++;
}

/* WRITE is the only flag inside the table [VIRTIO 1.4 §2.8.19]. */
static struct virtq_buffer fill_table(struct virtq *vq, uint16_t id,
                                      const struct virtq_buffer *buffers, unsigned readable,
                                      unsigned count)
{
    struct virtq_packed_desc *table =
        (struct virtq_packed_desc *)vq->tables + (size_t)id * vq->buffers_max;

    for (unsigned i = 0; i < count; i++) {
        table[i] = (struct virtq_packed_desc){ .address = buffers[i].address,
                                               .bytes = buffers[i].bytes,
                                               .flags = i >= readable ? VIRTQ_DESC_WRITE : 0 };
    }
    return virtq_table(vq, id, count);
}

void virtq_packed_put(struct virtq *vq, uint16_t id, const struct virtq_buffer *buffers,
                      unsigned readable, unsigned count)
{
    if (vq->indirect && count > 1) {
        struct virtq_buffer table = fill_table(vq, id, buffers, readable, count);

        put_slot(vq, id, &table, VIRTQ_DESC_INDIRECT);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        put_slot(vq, id, &buffers[i], virtq_desc_flags(i, count, readable));
    }
}

void virtq_packed_reveal(struct virtq *vq)
{
    virtq_store16(&vq->ring[slot_of(vq, vq->published)].flags, vq->held_flags);
}

/* ---- events ---- */

/* Did the requests from `before` to avail_next take the slot the device waits for? */
bool virtq_packed_wants_notify(const struct virtq *vq, uint16_t before)
{
    uint32_t word = virtq_load32(&vq->device_event->word);
    uint32_t how = (word >> VIRTQ_EVENT_FLAGS_SHIFT) & VIRTQ_EVENT_FLAGS_MASK;
    uint32_t offset = word & VIRTQ_EVENT_OFFSET_MASK;
    unsigned round_mask = 2U * vq->size - 1U;
    unsigned event;

    if (how == VIRTQ_EVENT_DISABLE) {
        return false;
    }
    /* What makes no sense is taken for "always": a notification too many does no harm. */
    if (how != VIRTQ_EVENT_DESC || !vq->event_idx || offset >= vq->size) {
        return true;
    }
    /* Positions repeat after two rounds, in which each slot and wrap counter occurs once. */
    event = offset + ((word & VIRTQ_EVENT_WRAP) != 0 ? 0U : vq->size);
    return ((event - before) & round_mask) < (uint16_t)(vq->avail_next - before);
}

void virtq_packed_wish(struct virtq *vq, uint16_t after)
{
    uint32_t word = after != 0 ? VIRTQ_EVENT_ENABLE << VIRTQ_EVENT_FLAGS_SHIFT
                               : VIRTQ_EVENT_DISABLE << VIRTQ_EVENT_FLAGS_SHIFT;

    if (after != 0 && vq->event_idx) {
        /* Completions of one slot each: the last of them is written here. */
        uint16_t event = (uint16_t)(vq->used_next + after - 1U);

        word = VIRTQ_EVENT_DESC << VIRTQ_EVENT_FLAGS_SHIFT | slot_of(vq, event) |
               (wrap_of(vq, event) ? VIRTQ_EVENT_WRAP : 0U);
    }
    virtq_store32(&vq->driver_event->word, word);
}

/* ---- completions ---- */

/* A used descriptor has both bits equal to the wrap counter of its round; one that is available, or
 * left over from the round before, has not. */
static bool is_used(const struct virtq *vq, uint16_t position, uint16_t flags)
{
    uint16_t both = VIRTQ_PACKED_AVAIL | VIRTQ_PACKED_USED;

    return (flags & both) == (wrap_of(vq, position) ? both : 0);
}

static bool slot_is_used(const struct virtq *vq, uint16_t position)
{
    return is_used(vq, position, virtq_load16(&vq->ring[slot_of(vq, position)].flags));
}

/* The device may write a batch in any order, so its last descriptor alone proves nothing: what is
 * announced must be there to be taken. */
bool virtq_packed_has_used(const struct virtq *vq, uint16_t count)
{
    return slot_is_used(vq, vq->used_next) &&
           slot_is_used(vq, (uint16_t)(vq->used_next + count - 1U));
}

err_t virtq_packed_next(struct virtq *vq, struct virtq_return *returned)
{
    const struct virtq_packed_desc *desc = &vq->ring[slot_of(vq, vq->used_next)];
    uint16_t flags = virtq_load16(&desc->flags);

    if (!is_used(vq, vq->used_next, flags)) {
        return ERR_AGAIN;
    }
    /* The rest of the descriptor is read after the flags that announced it. */
    barrier_acquire();
    returned->id = virtq_load16(&desc->id);
    returned->bytes = virtq_load32(&desc->bytes);
    /* observed: QEMU 7.2 never sets the flag, so a length is believed as far as it can be true. */
    returned->wrote = (flags & VIRTQ_DESC_WRITE) != 0;
    return OK;
}
