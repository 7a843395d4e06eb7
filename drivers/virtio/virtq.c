/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The split virtqueue [VIRTIO 1.4 §2.7]: descriptors, indirect tables, the two rings and the event
 * indices. Reaching the device (notifying, interrupts) is the transport's work; layout in memory,
 * initialisation and the validator are in virtq_layout.c.
 *
 * Invariants: every descriptor is either in the free chain or in the chain of exactly one request
 * in flight; the chains are followed through shadow[], never through memory the device can reach.
 * What the device writes is loaded once, checked against the shadow, then used. The indices run
 * freely modulo 65536 and only differences of them mean anything.
 *
 * The rings are shared with another thread of execution, so their fields are accessed as relaxed
 * atomics (one load, one store, never torn or repeated) and ordered by the fences of
 * base/barrier.h.
 */

#include "drivers/virtio/virtq.h"

#include "base/assert.h"
#include "base/barrier.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/virtq_spec.h"

/* With event index there is no "never" [VIRTIO 1.4 §2.7.7.1: flags MUST be 0]; the mark is parked
 * half the index space ahead and moved along before the queue has come near it. */
#define EVENT_FAR     0x8000U
#define EVENT_REFRESH 0x1000U

/* A chain may not describe more [VIRTIO 1.4 §2.7.5.2]. */
#define CHAIN_BYTES_MAX (UINT64_C(1) << 32)

STATIC_ASSERT(VIRTQ_SIZE_MAX < EVENT_FAR - EVENT_REFRESH, "a parked event must stay out of reach");

/* ---- access to shared memory ---- */

static uint16_t load16(const uint16_t *from)
{
    return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static uint32_t load32(const uint32_t *from)
{
    return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static void store16(uint16_t *to, uint16_t value)
{
    __atomic_store_n(to, value, __ATOMIC_RELAXED);
}

static void set_used_event(struct virtq *vq, uint16_t event)
{
    ASSERT(vq->event_idx);
    store16(&vq->avail->ring[vq->size], event);
}

static uint16_t get_avail_event(const struct virtq *vq)
{
    ASSERT(vq->event_idx);
    return load16((const uint16_t *)(const void *)&vq->used->ring[vq->size]);
}

/* ---- adding requests ---- */

/* One descriptor, in the table of the queue or in an indirect one. Plain stores: the device looks
 * here only after the release fence in virtq_publish(). */
static void desc_fill(struct virtq_desc *desc, const struct virtq_buffer *buffer, uint16_t flags,
                      uint16_t next)
{
    ASSERT(buffer->bytes != 0);
    ASSERT(buffer->address <= UINT64_MAX - buffer->bytes);
    desc->address = buffer->address;
    desc->bytes = buffer->bytes;
    desc->flags = flags;
    desc->next = next;
}

/* Flags of buffer `i` of `count`: the writable ones come last [VIRTIO 1.4 §2.7.4.2]. */
static uint16_t desc_flags(unsigned i, unsigned count, unsigned readable)
{
    return (uint16_t)((i + 1 < count ? VIRTQ_DESC_NEXT : 0U) |
                      (i >= readable ? VIRTQ_DESC_WRITE : 0U));
}

static void fill_chain(struct virtq *vq, const struct virtq_buffer *buffers, unsigned readable,
                       unsigned count)
{
    uint16_t at = vq->free_head;

    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = desc_flags(i, count, readable);
        uint16_t next;

        ASSERT(at < vq->size && vq->shadow[at].chain == 0);
        next = vq->shadow[at].next;
        desc_fill(&vq->desc[at], &buffers[i], flags, (flags & VIRTQ_DESC_NEXT) != 0 ? next : 0);
        at = next;
    }
}

/* The table of a descriptor is the one with its number, so none is ever searched or shared. It has
 * no INDIRECT inside, and the descriptor that points to it no NEXT [VIRTIO 1.4 §2.7.5.3.1]. */
static void fill_indirect(struct virtq *vq, const struct virtq_buffer *buffers, unsigned readable,
                          unsigned count)
{
    size_t first = (size_t)vq->free_head * VIRTQ_BUFFERS_MAX;
    struct virtq_desc *table = &vq->tables[first];
    struct virtq_buffer where = { .address = vq->tables_address + first * sizeof(table[0]),
                                  .bytes = (uint32_t)(count * sizeof(table[0])) };

    ASSERT(vq->indirect && vq->tables != NULL);
    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = desc_flags(i, count, readable);
        uint16_t next = (uint16_t)((flags & VIRTQ_DESC_NEXT) != 0 ? i + 1 : 0);

        desc_fill(&table[i], &buffers[i], flags, next);
    }
    desc_fill(&vq->desc[vq->free_head], &where, VIRTQ_DESC_INDIRECT, 0);
}

static uint64_t buffers_bytes(const struct virtq_buffer *buffers, unsigned count)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < count; i++) {
        bytes += buffers[i].bytes;
    }
    return bytes;
}

/* Takes `chain` descriptors off the free chain for one request and remembers it. */
static uint16_t head_take(struct virtq *vq, uint16_t chain, uint16_t cookie, uint64_t writable)
{
    uint16_t head = vq->free_head;

    ASSERT(head < vq->size && vq->shadow[head].chain == 0);
    ASSERT(chain >= 1 && chain <= vq->free_count);
    for (uint16_t i = 0; i < chain; i++) {
        vq->free_head = vq->shadow[vq->free_head].next;
    }
    vq->free_count = (uint16_t)(vq->free_count - chain);
    vq->shadow[head].chain = chain;
    vq->shadow[head].cookie = cookie;
    vq->shadow[head].writable = (uint32_t)min_u64(writable, UINT32_MAX);
    vq->shadow[head].serial = vq->requests++;
    vq->in_flight++;
    return head;
}

err_t virtq_add(struct virtq *vq, const struct virtq_buffer *buffers, unsigned readable,
                unsigned writable, uint16_t cookie)
{
    unsigned count = readable + writable;
    bool indirect = vq->indirect && count > 1;
    uint16_t chain = indirect ? 1 : (uint16_t)count;
    uint16_t head;

    ASSERT(readable <= VIRTQ_BUFFERS_MAX && writable <= VIRTQ_BUFFERS_MAX);
    ASSERT(count >= 1 && count <= VIRTQ_BUFFERS_MAX);
    if (vq->broken) {
        return ERR_DEVICE;
    }
    /* An indirect table, too, may not be longer than the queue [VIRTIO 1.4 §2.7.5.3.1]. */
    if (count > vq->size || buffers_bytes(buffers, count) > CHAIN_BYTES_MAX) {
        return ERR_RANGE;
    }
    if (chain > vq->free_count) {
        return ERR_BUSY;
    }
    if (indirect) {
        fill_indirect(vq, buffers, readable, count);
    } else {
        fill_chain(vq, buffers, readable, count);
    }
    head = head_take(vq, chain, cookie, buffers_bytes(buffers + readable, writable));
    /* Not visible yet: the device looks at ring entries below idx only [VIRTIO 1.4 §2.7.13.2]. */
    store16(&vq->avail->ring[vq->avail_next & (vq->size - 1U)], head);
    vq->avail_next++;
    ASSERT_SLOW((virtq_check(vq), true));
    return OK;
}

bool virtq_publish(struct virtq *vq)
{
    uint16_t before = vq->published;
    uint16_t now = vq->avail_next;

    if (vq->broken || now == before) {
        return false;
    }
    ASSERT((uint16_t)(now - before) <= vq->in_flight);
    /* Descriptors and ring entries before the index that reveals them [VIRTIO 1.4 §2.7.13.3.1]. */
    barrier_release();
    store16(&vq->avail->idx, now);
    vq->published = now;
    /* The index before the question whether the device looks by itself, or both sides might wait
     * for one another [VIRTIO 1.4 §2.7.13.4.1]. */
    barrier_full();
    if (vq->event_idx) {
        return virtq_event_passed(get_avail_event(vq), now, before);
    }
    return (load16(&vq->used->flags) & VIRTQ_USED_NO_NOTIFY) == 0;
}

/* ---- taking completed requests ---- */

/* The device did what no device may do. Said once, since nothing is accepted any more. */
static err_t device_fault(struct virtq *vq, const char *what, uint32_t value)
{
    ASSERT(!vq->broken);
    vq->broken = true;
    log_error("virtq %u: device fault: %s (%u)", (unsigned)vq->index, what, (unsigned)value);
    return ERR_DEVICE;
}

/* Used entries the device claims to have written and we have not read. */
static uint16_t used_waiting(const struct virtq *vq)
{
    return (uint16_t)(load16(&vq->used->idx) - vq->used_next);
}

static uint16_t hidden_count(const struct virtq *vq)
{
    return (uint16_t)(vq->avail_next - vq->published);
}

/* True when `head` starts a request that the device has been shown and has not returned. */
static bool head_is_shown(const struct virtq *vq, uint32_t head)
{
    if (head >= vq->size || vq->shadow[head].chain == 0) {
        return false;
    }
    return vq->shadow[head].serial < vq->requests - hidden_count(vq);
}

/* Gives the descriptors of a request back to the free chain, in front of the others. */
static void head_give(struct virtq *vq, uint16_t head)
{
    uint16_t chain = vq->shadow[head].chain;
    uint16_t last = head;

    ASSERT(chain >= 1 && chain <= vq->size);
    ASSERT(vq->in_flight >= 1 && vq->free_count + chain <= vq->size);
    for (uint16_t i = 1; i < chain; i++) {
        last = vq->shadow[last].next;
        ASSERT(last < vq->size && vq->shadow[last].chain == 0);
    }
    vq->shadow[last].next = vq->free_head;
    vq->free_head = head;
    vq->free_count = (uint16_t)(vq->free_count + chain);
    vq->shadow[head].chain = 0;
    vq->in_flight--;
}

err_t virtq_take(struct virtq *vq, uint16_t *cookie, uint32_t *written)
{
    const struct virtq_used_entry *entry;
    uint16_t waiting;
    uint32_t head;
    uint32_t bytes;

    if (vq->broken) {
        return ERR_DEVICE;
    }
    waiting = used_waiting(vq);
    if (waiting == 0) {
        return ERR_AGAIN;
    }
    if (waiting > vq->in_flight - hidden_count(vq)) {
        return device_fault(vq, "the used index ran ahead of the requests in flight", waiting);
    }
    /* The entry is read after the index that announced it. */
    barrier_acquire();
    entry = &vq->used->ring[vq->used_next & (vq->size - 1U)];
    head = load32(&entry->id);
    bytes = load32(&entry->bytes);
    if (!head_is_shown(vq, head)) {
        return device_fault(vq, "a used entry names a request that is not in flight", head);
    }
    /* The length counts bytes written [VIRTIO 1.4 §2.7.8]. Without a writable buffer it means
     * nothing and cannot do harm: observed: Cloud Hypervisor returns the bytes it *read*. */
    if (vq->shadow[head].writable == 0) {
        bytes = 0;
    }
    if (bytes > vq->shadow[head].writable) {
        return device_fault(vq, "more bytes used than the request can hold", bytes);
    }
    *cookie = vq->shadow[head].cookie;
    *written = bytes;
    head_give(vq, (uint16_t)head);
    vq->used_next++;
    if (vq->event_idx && !vq->interrupts && vq->used_next % EVENT_REFRESH == 0) {
        set_used_event(vq, (uint16_t)(vq->used_next + EVENT_FAR));
    }
    ASSERT_SLOW((virtq_check(vq), true));
    return OK;
}

/* ---- interrupts ---- */

void virtq_interrupts_off(struct virtq *vq)
{
    vq->interrupts = false;
    if (vq->event_idx) {
        set_used_event(vq, (uint16_t)(vq->used_next + EVENT_FAR));
    } else {
        store16(&vq->avail->flags, VIRTQ_AVAIL_NO_INTERRUPT);
    }
}

bool virtq_interrupts_on(struct virtq *vq, uint16_t after)
{
    ASSERT(after >= 1 && after <= vq->size);
    vq->interrupts = true;
    if (vq->event_idx) {
        /* The device interrupts when it has written the entry with this index. */
        set_used_event(vq, (uint16_t)(vq->used_next + after - 1U));
    } else {
        store16(&vq->avail->flags, 0);
    }
    if (vq->broken) {
        return false;
    }
    /* The wish before the look: a completion in between is seen by one side at least
     * [VIRTIO 1.4 §2.7.14]. */
    barrier_full();
    return used_waiting(vq) >= after;
}

bool virtq_has_used(const struct virtq *vq)
{
    return !vq->broken && used_waiting(vq) != 0;
}
