/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The split ring [VIRTIO 1.4 §2.7]: a table of descriptors, a ring in which the driver offers
 * chains of them and a ring in which the device returns them; also in the legacy layout. The notes
 * about requests, the fences and the checks are in virtq.c.
 */

#include "base/assert.h"
#include "base/barrier.h"
#include "drivers/virtio/virtq.h"
#include "drivers/virtio/virtq_internal.h"
#include "drivers/virtio/virtq_spec.h"

/* With event index there is no "never" [VIRTIO 1.4 §2.7.7.1: flags MUST be 0]; the mark is parked
 * half the index space ahead and moved along before the queue has come near it. */
#define EVENT_FAR     0x8000U
#define EVENT_REFRESH 0x1000U

STATIC_ASSERT(VIRTQ_SIZE_MAX < EVENT_FAR - EVENT_REFRESH, "a parked event must stay out of reach");

/* One descriptor, in the table of the queue or in an indirect one. Plain stores: the device looks
 * here only after the release fence in virtq_publish(). */
static void desc_fill(struct virtq_desc *desc, const struct virtq_buffer *buffer, uint16_t flags,
                      uint16_t next)
{
    desc->address = buffer->address;
    desc->bytes = buffer->bytes;
    desc->flags = flags;
    desc->next = (flags & VIRTQ_DESC_NEXT) != 0 ? next : 0;
}

/* No INDIRECT inside the table, and no NEXT in the descriptor that points to it
 * [VIRTIO 1.4 §2.7.5.3.1]. */
static void fill_indirect(struct virtq *vq, uint16_t id, const struct virtq_buffer *buffers,
                          unsigned readable, unsigned count)
{
    struct virtq_desc *table = (struct virtq_desc *)vq->tables + (size_t)id * vq->buffers_max;
    struct virtq_buffer where = virtq_table(vq, id, count);

    for (unsigned i = 0; i < count; i++) {
        desc_fill(&table[i], &buffers[i], virtq_desc_flags(i, count, readable), (uint16_t)(i + 1));
    }
    desc_fill(&vq->desc[id], &where, VIRTQ_DESC_INDIRECT, 0);
}

void virtq_split_put(struct virtq *vq, uint16_t id, const struct virtq_buffer *buffers,
                     unsigned readable, unsigned count)
{
    uint16_t at = id;

    if (vq->indirect && count > 1) {
        fill_indirect(vq, id, buffers, readable, count);
    } else {
        for (unsigned i = 0; i < count; i++) {
            uint16_t next = vq->shadow[at].next;

            ASSERT(at < vq->size);
            desc_fill(&vq->desc[at], &buffers[i], virtq_desc_flags(i, count, readable), next);
            at = next;
        }
    }
    /* Not visible yet: the device looks at ring entries below idx only [VIRTIO 1.4 §2.7.13.2]. */
    virtq_store16(&vq->avail->ring[vq->avail_next & (vq->size - 1U)], id);
    vq->avail_next++;
}

void virtq_split_reveal(struct virtq *vq)
{
    virtq_store16(&vq->avail->idx, vq->avail_next);
}

/* ---- events ---- */

static uint16_t get_avail_event(const struct virtq *vq)
{
    ASSERT(vq->event_idx);
    return virtq_load16((const uint16_t *)(const void *)&vq->used->ring[vq->size]);
}

bool virtq_split_wants_notify(const struct virtq *vq, uint16_t before)
{
    if (vq->event_idx) {
        return virtq_event_passed(get_avail_event(vq), vq->avail_next, before);
    }
    return (virtq_load16(&vq->used->flags) & VIRTQ_USED_NO_NOTIFY) == 0;
}

void virtq_split_wish(struct virtq *vq, uint16_t after)
{
    if (vq->event_idx) {
        /* The device interrupts when it has written the entry with this index. */
        uint16_t ahead = (uint16_t)(after != 0 ? after - 1U : EVENT_FAR);

        virtq_store16(&vq->avail->ring[vq->size], (uint16_t)(vq->used_next + ahead));
    } else {
        virtq_store16(&vq->avail->flags, (uint16_t)(after != 0 ? 0U : VIRTQ_AVAIL_NO_INTERRUPT));
    }
}

void virtq_split_refresh(struct virtq *vq)
{
    if (vq->event_idx && !vq->interrupts && vq->used_next % EVENT_REFRESH == 0) {
        virtq_split_wish(vq, 0);
    }
}

/* ---- completions ---- */

/* Used entries the device claims to have written and we have not read. */
static uint16_t used_waiting(const struct virtq *vq)
{
    return (uint16_t)(virtq_load16(&vq->used->idx) - vq->used_next);
}

bool virtq_split_has_used(const struct virtq *vq, uint16_t count)
{
    return used_waiting(vq) >= count;
}

err_t virtq_split_next(struct virtq *vq, struct virtq_return *returned)
{
    const struct virtq_used_entry *entry;
    uint16_t waiting = used_waiting(vq);

    if (waiting == 0) {
        return ERR_AGAIN;
    }
    /* What was shown and not returned, and so the most that can wait. */
    if (waiting > (uint16_t)(vq->published - vq->used_next)) {
        return virtq_fault(vq, "the used index ran ahead of the requests in flight", waiting);
    }
    /* The entry is read after the index that announced it. */
    barrier_acquire();
    entry = &vq->used->ring[vq->used_next & (vq->size - 1U)];
    returned->id = virtq_load32(&entry->id);
    returned->bytes = virtq_load32(&entry->bytes);
    returned->wrote = true;
    return OK;
}
