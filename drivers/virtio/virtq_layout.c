/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtqueue at rest: where its parts lie in memory, how it begins, and the validator of what is
 * done to it. The parts are one allocation, although only the legacy interface asks for that:
 *
 *     split   | descriptors | available ring | used ring | indirect tables | notes |
 *     packed  | descriptors | driver's event | device's event | indirect tables | notes |
 *
 * Each part begins a cache line, so that the driver's and the device's lines are apart; in the
 * legacy layout [VIRTIO 1.4 §2.7.2] the used ring begins a frame. The notes are the driver's alone:
 * the device is never told where they are.
 */

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"
#include "drivers/virtio/virtq.h"
#include "drivers/virtio/virtq_internal.h"
#include "drivers/virtio/virtq_spec.h"

#define CACHE_LINE 64U

STATIC_ASSERT((VIRTQ_SIZE_MAX & (VIRTQ_SIZE_MAX - 1)) == 0, "queue sizes are powers of two");
STATIC_ASSERT(VIRTQ_LEGACY_ALIGN <= FRAME_SIZE, "a frame-aligned queue must be aligned for legacy");

/* ---- layout ---- */

/* Offsets from the beginning; the descriptors are there. */
struct layout {
    size_t avail;
    size_t used;
    size_t tables;
    size_t shadow;
    size_t bytes;
};

static unsigned buffers_max(const struct virtq_shape *shape)
{
    return shape->buffers_max == 0 ? VIRTQ_BUFFERS_MAX : shape->buffers_max;
}

static bool has_tables(const struct virtq_shape *shape)
{
    return shape->indirect && buffers_max(shape) > 1;
}

static size_t after(size_t offset, size_t bytes, size_t align)
{
    return (size_t)align_up(offset + bytes, align);
}

static struct layout layout_of(const struct virtq_shape *shape)
{
    size_t size = shape->size;
    size_t avail_bytes = sizeof(struct virtq_event);
    size_t used_bytes = sizeof(struct virtq_event);
    size_t table_bytes = has_tables(shape) ? size * buffers_max(shape) * 16U : 0;
    struct layout at;

    if (!shape->packed) {
        /* With the events, which are there in the legacy layout even if not negotiated. */
        avail_bytes = sizeof(struct virtq_avail) + sizeof(uint16_t) * (size + 1);
        used_bytes =
            sizeof(struct virtq_used) + sizeof(struct virtq_used_entry) * size + sizeof(uint16_t);
    }
    /* The available ring of the legacy layout follows the table at once, as it does here. */
    at.avail = sizeof(struct virtq_desc) * size;
    at.used = after(at.avail, avail_bytes, shape->legacy ? VIRTQ_LEGACY_ALIGN : CACHE_LINE);
    at.tables = after(at.used, used_bytes, CACHE_LINE);
    at.shadow = after(at.tables, table_bytes, CACHE_LINE);
    at.bytes = at.shadow + sizeof(struct virtq_shadow) * size;
    return at;
}

size_t virtq_bytes(const struct virtq_shape *shape)
{
    ASSERT(!(shape->legacy && shape->packed));
    ASSERT(shape->buffers_max <= VIRTQ_BUFFERS_MAX);
    return layout_of(shape).bytes;
}

/* ---- the beginning ---- */

static void place(struct virtq *vq, const struct layout *at, unsigned char *memory, paddr_t address)
{
    if (vq->packed) {
        vq->ring = (void *)memory;
        vq->driver_event = (void *)(memory + at->avail);
        vq->device_event = (const void *)(memory + at->used);
    } else {
        vq->desc = (void *)memory;
        vq->avail = (void *)(memory + at->avail);
        vq->used = (const void *)(memory + at->used);
    }
    vq->tables = vq->indirect ? memory + at->tables : NULL;
    vq->tables_address = vq->indirect ? address + at->tables : 0;
    vq->shadow = (void *)(memory + at->shadow);
    vq->desc_address = address;
    vq->avail_address = address + at->avail;
    vq->used_address = address + at->used;
}

/* All ids form the free chain. */
static void free_chain_init(struct virtq *vq)
{
    for (uint16_t i = 0; i < vq->size; i++) {
        vq->shadow[i].next = (uint16_t)(i + 1U);
    }
    vq->free_head = 0;
    vq->free_count = vq->size;
}

err_t virtq_init(struct virtq *vq, uint16_t index, const struct virtq_shape *shape, void *memory,
                 paddr_t address)
{
    struct layout at;

    ASSERT(memory != NULL);
    /* Frame alignment covers 16, 2 and 4 for the parts of a split queue, 16, 4 and 4 for those of a
     * packed one and a legacy queue as a whole [VIRTIO 1.4 §2.7.1, §2.8.11, §2.7.2]. */
    ASSERT(address % FRAME_SIZE == 0);
    if (shape->size > VIRTQ_SIZE_MAX || !is_power_of_two(shape->size)) {
        return ERR_RANGE;
    }
    memset(vq, 0, sizeof(*vq));
    /* Before the device ever wrote, its flags must read 0, and so must the packed descriptors
     * [VIRTIO 1.4 §2.7.10.1, §2.8.13]. */
    memset(memory, 0, virtq_bytes(shape));
    vq->size = shape->size;
    vq->index = index;
    vq->buffers_max = (uint16_t)buffers_max(shape);
    vq->packed = shape->packed;
    vq->event_idx = shape->event_idx;
    vq->indirect = has_tables(shape);
    vq->legacy = shape->legacy;
    at = layout_of(shape);
    place(vq, &at, memory, address);
    free_chain_init(vq);
    vq->interrupts = true;
    virtq_wish(vq, 1);
    ASSERT_SLOW((virtq_check(vq), true));
    return OK;
}

/* ---- check ---- */

/* Follows `count` ids from `at`, each of which must not have been seen before. */
static void check_chain(const struct virtq *vq, uint64_t seen[VIRTQ_SIZE_MAX / 64], uint16_t at,
                        unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << (at % 64U);

        ASSERT(at < vq->size);
        ASSERT((seen[at / 64U] & bit) == 0);
        seen[at / 64U] |= bit;
        at = vq->shadow[at].next;
    }
}

void virtq_check(const struct virtq *vq)
{
    uint64_t seen[VIRTQ_SIZE_MAX / 64] = { 0 };
    unsigned owned = 0;  /* descriptors of requests in flight */
    unsigned ids = 0;    /* that these requests occupy */
    unsigned heads = 0;  /* these requests */
    unsigned hidden = 0; /* positions between what was shown and what was added */

    ASSERT(is_power_of_two(vq->size) && vq->size <= VIRTQ_SIZE_MAX);
    ASSERT(vq->free_count <= vq->size && vq->shown <= vq->requests);
    for (uint16_t i = 0; i < vq->size; i++) {
        const struct virtq_shadow *shadow = &vq->shadow[i];

        if (shadow->chain != 0) {
            check_chain(vq, seen, i, vq->packed ? 1 : shadow->chain);
            ASSERT(shadow->serial < vq->requests);
            owned += shadow->chain;
            ids += vq->packed ? 1 : shadow->chain;
            heads++;
            if (shadow->serial >= vq->shown) {
                hidden += vq->packed ? shadow->chain : 1;
            }
        }
    }
    check_chain(vq, seen, vq->free_head, vq->size - ids);
    ASSERT(owned + vq->free_count == vq->size);
    ASSERT(heads == vq->in_flight);
    ASSERT((uint16_t)(vq->avail_next - vq->published) == hidden);
    /* Every published request was taken or is in flight. */
    ASSERT((uint16_t)(vq->published - vq->used_next) == (vq->packed ? owned : heads) - hidden);
}
