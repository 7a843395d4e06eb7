/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtqueue, as far as its format does not matter: the driver's notes about every request, the
 * order of the steps with their fences, and the checks of all that the device returns. The formats
 * are in virtq_split.c and virtq_packed.c, the layout and the validator in virtq_layout.c. Reaching
 * the device (notifying, interrupts) is the transport's work.
 *
 * Invariants: every descriptor is free or belongs to exactly one request in flight; ids and chains
 * are looked up in shadow[], never in memory the device can reach. What the device writes is loaded
 * once, checked against the shadow, then used.
 *
 * The rings are shared with another thread of execution, so their fields are accessed as relaxed
 * atomics and ordered by the fences of base/barrier.h.
 */

#include "drivers/virtio/virtq.h"

#include "base/assert.h"
#include "base/barrier.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/virtq_internal.h"

/* A chain may not describe more [VIRTIO 1.4 §2.7.5.2]. Packed queues have no such rule, but devices
 * share the code. */
#define CHAIN_BYTES_MAX (UINT64_C(1) << 32)

err_t virtq_fault(struct virtq *vq, const char *what, uint32_t value)
{
    ASSERT(!vq->broken);
    vq->broken = true;
    log_error("virtq %u: device fault: %s (%u)", (unsigned)vq->index, what, (unsigned)value);
    return ERR_DEVICE;
}

/* ---- notes about requests ---- */

/* Takes `chain` descriptors for one request: as many ids in a split queue, where an id is a
 * descriptor, and one in a packed queue. The ids stay chained, the first is returned. */
static uint16_t request_open(struct virtq *vq, uint16_t chain, uint16_t cookie, uint64_t writable)
{
    uint16_t ids = vq->packed ? 1 : chain;
    uint16_t id = vq->free_head;

    ASSERT(id < vq->size && vq->shadow[id].chain == 0);
    ASSERT(chain >= 1 && chain <= vq->free_count);
    for (uint16_t i = 0; i < ids; i++) {
        vq->free_head = vq->shadow[vq->free_head].next;
    }
    vq->free_count = (uint16_t)(vq->free_count - chain);
    vq->shadow[id].chain = chain;
    vq->shadow[id].cookie = cookie;
    vq->shadow[id].writable = (uint32_t)min_u64(writable, UINT32_MAX);
    vq->shadow[id].serial = vq->requests++;
    vq->in_flight++;
    return id;
}

/* Gives ids and descriptors of a request back, in front of the other free ones. */
static void request_close(struct virtq *vq, uint16_t id)
{
    uint16_t chain = vq->shadow[id].chain;
    uint16_t ids = vq->packed ? 1 : chain;
    uint16_t last = id;

    ASSERT(chain >= 1 && chain <= vq->size);
    ASSERT(vq->in_flight >= 1 && vq->free_count + chain <= vq->size);
    for (uint16_t i = 1; i < ids; i++) {
        last = vq->shadow[last].next;
        ASSERT(last < vq->size && vq->shadow[last].chain == 0);
    }
    vq->shadow[last].next = vq->free_head;
    vq->free_head = id;
    vq->free_count = (uint16_t)(vq->free_count + chain);
    vq->shadow[id].chain = 0;
    vq->in_flight--;
}

/* True when `id` is a request that the device has been shown and has not returned. */
static bool request_is_shown(const struct virtq *vq, uint32_t id)
{
    return id < vq->size && vq->shadow[id].chain != 0 && vq->shadow[id].serial < vq->shown;
}

/* ---- adding requests ---- */

static uint64_t buffers_bytes(const struct virtq_buffer *buffers, unsigned count)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < count; i++) {
        ASSERT(buffers[i].bytes != 0);
        ASSERT(buffers[i].address <= UINT64_MAX - buffers[i].bytes);
        bytes += buffers[i].bytes;
    }
    return bytes;
}

struct virtq_buffer virtq_table(const struct virtq *vq, uint16_t id, unsigned count)
{
    size_t offset = (size_t)id * vq->buffers_max * sizeof(struct virtq_desc);

    ASSERT(vq->indirect && vq->tables != NULL);
    ASSERT(id < vq->size && count <= vq->buffers_max);
    return (struct virtq_buffer){ .address = vq->tables_address + offset,
                                  .bytes = (uint32_t)(count * sizeof(struct virtq_desc)) };
}

err_t virtq_add(struct virtq *vq, const struct virtq_buffer *buffers, unsigned readable,
                unsigned writable, uint16_t cookie)
{
    unsigned count = readable + writable;
    uint16_t chain = vq->indirect ? 1 : (uint16_t)count;
    uint16_t id;

    ASSERT(readable <= VIRTQ_BUFFERS_MAX && writable <= VIRTQ_BUFFERS_MAX);
    ASSERT(count >= 1 && count <= vq->buffers_max);
    if (vq->broken) {
        return ERR_DEVICE;
    }
    /* An indirect table, too, may not be longer than the queue [VIRTIO 1.4 §2.7.5.3.1, §2.8.17]. */
    if (count > vq->size || buffers_bytes(buffers, count) > CHAIN_BYTES_MAX) {
        return ERR_RANGE;
    }
    /* Room for the whole chain before any part of it is written [VIRTIO 1.4 §2.8.17]. */
    if (chain > vq->free_count) {
        return ERR_BUSY;
    }
    id = request_open(vq, chain, cookie, buffers_bytes(buffers + readable, writable));
    if (vq->packed) {
        virtq_packed_put(vq, id, buffers, readable, count);
    } else {
        virtq_split_put(vq, id, buffers, readable, count);
    }
    ASSERT_SLOW((virtq_check(vq), true));
    return OK;
}

bool virtq_publish(struct virtq *vq)
{
    uint16_t before = vq->published;

    if (vq->broken || vq->shown == vq->requests) {
        return false;
    }
    ASSERT((uint16_t)(vq->avail_next - before) <= vq->size);
    /* Descriptors and ring entries before what reveals them
     * [VIRTIO 1.4 §2.7.13.3.1, §2.8.21.1.1]. */
    barrier_release();
    if (vq->packed) {
        virtq_packed_reveal(vq);
    } else {
        virtq_split_reveal(vq);
    }
    vq->published = vq->avail_next;
    vq->shown = vq->requests;
    /* That before the question whether the device looks by itself, or both sides might wait for
     * one another [VIRTIO 1.4 §2.7.13.4.1, §2.8.21.3.1]. */
    barrier_full();
    return vq->packed ? virtq_packed_wants_notify(vq, before)
                      : virtq_split_wants_notify(vq, before);
}

/* ---- taking completed requests ---- */

/* How many bytes the device wrote, as far as it can be believed. */
static err_t used_length(struct virtq *vq, const struct virtq_return *returned, uint32_t *written)
{
    uint32_t room = vq->shadow[returned->id].writable;

    if (returned->bytes <= room) {
        *written = returned->bytes;
    } else if (room == 0 || !returned->wrote) {
        /* The length counts bytes written [VIRTIO 1.4 §2.7.8]. Without a writable buffer it means
         * nothing and cannot do harm: observed: Cloud Hypervisor returns the bytes it *read*. Nor
         * does it in a packed ring without the write flag [VIRTIO 1.4 §2.8.4]. */
        *written = 0;
    } else if (vq->legacy) {
        /* Many legacy devices set it wrong [VIRTIO 1.4 §2.7.8.1]. */
        *written = room;
    } else {
        return virtq_fault(vq, "more bytes used than the request can hold", returned->bytes);
    }
    ASSERT(*written <= room);
    return OK;
}

err_t virtq_take(struct virtq *vq, uint16_t *cookie, uint32_t *written)
{
    struct virtq_return returned;
    uint16_t id;
    err_t err;

    if (vq->broken) {
        return ERR_DEVICE;
    }
    err = vq->packed ? virtq_packed_next(vq, &returned) : virtq_split_next(vq, &returned);
    if (err != OK) {
        return err;
    }
    if (!request_is_shown(vq, returned.id)) {
        return virtq_fault(vq, "a request came back that is not in flight", returned.id);
    }
    err = used_length(vq, &returned, written);
    if (err != OK) {
        return err;
    }
    id = (uint16_t)returned.id;
    *cookie = vq->shadow[id].cookie;
    /* A chain is returned in one slot, and the others of it are skipped [VIRTIO 1.4 §2.8.6]. */
    vq->used_next = (uint16_t)(vq->used_next + (vq->packed ? vq->shadow[id].chain : 1));
    request_close(vq, id);
    if (!vq->packed) {
        virtq_split_refresh(vq);
    }
    ASSERT_SLOW((virtq_check(vq), true));
    return OK;
}

/* ---- interrupts ---- */

void virtq_interrupts_off(struct virtq *vq)
{
    vq->interrupts = false;
    virtq_wish(vq, 0);
}

static bool has_used(const struct virtq *vq, uint16_t count)
{
    if (vq->broken) {
        return false;
    }
    return vq->packed ? virtq_packed_has_used(vq, count) : virtq_split_has_used(vq, count);
}

bool virtq_interrupts_on(struct virtq *vq, uint16_t after)
{
    ASSERT(after >= 1 && after <= vq->size);
    vq->interrupts = true;
    if (vq->packed && !vq->indirect && vq->buffers_max > 1) {
        after = 1; /* the header says why */
    }
    virtq_wish(vq, after);
    /* The wish before the look: a completion in between is seen by one side at least
     * [VIRTIO 1.4 §2.7.14, §2.8.22]. */
    barrier_full();
    return has_used(vq, after);
}

bool virtq_has_used(const struct virtq *vq)
{
    return has_used(vq, 1);
}
