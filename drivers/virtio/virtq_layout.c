/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The split virtqueue at rest: where its parts lie in memory [VIRTIO 1.4 §2.7], how it begins, and
 * the validator of what virtq.c does to it.
 *
 *     | descriptors | available ring | pad to 64 | used ring | pad to 64 | indirect tables |
 *
 * The parts are contiguous although the modern interface does not ask for it: one allocation, and
 * the driver's and the device's lines still apart.
 */

#include "drivers/virtio/virtq.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"
#include "drivers/virtio/virtq_spec.h"

/* The used ring starts a cache line of its own: the device writes it, the driver the rest. */
#define CACHE_LINE 64U

STATIC_ASSERT((VIRTQ_SIZE_MAX & (VIRTQ_SIZE_MAX - 1)) == 0, "queue sizes are powers of two");

/* ---- layout ---- */

static size_t avail_offset(uint16_t size)
{
    return sizeof(struct virtq_desc) * size;
}

static size_t used_offset(uint16_t size)
{
    size_t avail_bytes = sizeof(struct virtq_avail) + sizeof(uint16_t) * (size + 1U);

    return (size_t)align_up(avail_offset(size) + avail_bytes, CACHE_LINE);
}

static size_t tables_offset(uint16_t size)
{
    size_t used_bytes =
        sizeof(struct virtq_used) + sizeof(struct virtq_used_entry) * size + sizeof(uint16_t);

    return (size_t)align_up(used_offset(size) + used_bytes, CACHE_LINE);
}

size_t virtq_bytes(uint16_t size, bool indirect)
{
    size_t table_bytes = sizeof(struct virtq_desc) * VIRTQ_BUFFERS_MAX;

    return tables_offset(size) + (indirect ? table_bytes * size : 0);
}

/* All descriptors form the free chain. */
static void free_chain_init(struct virtq *vq)
{
    for (uint16_t i = 0; i < vq->size; i++) {
        vq->shadow[i].next = (uint16_t)(i + 1U);
    }
    vq->free_head = 0;
    vq->free_count = vq->size;
}

err_t virtq_init(struct virtq *vq, uint16_t index, uint16_t size, bool event_idx, bool indirect,
                 void *memory, paddr_t address)
{
    unsigned char *bytes = memory;

    ASSERT(memory != NULL);
    /* Frame alignment covers 16, 2 and 4 for the three parts [VIRTIO 1.4 §2.7.1]. */
    ASSERT(address % FRAME_SIZE == 0);
    if (size > VIRTQ_SIZE_MAX || !is_power_of_two(size)) {
        return ERR_RANGE;
    }
    memset(vq, 0, sizeof(*vq));
    /* The device's flags must read 0 before it ever wrote them [VIRTIO 1.4 §2.7.10.1]. */
    memset(memory, 0, virtq_bytes(size, indirect));
    vq->size = size;
    vq->index = index;
    vq->event_idx = event_idx;
    vq->indirect = indirect;
    vq->interrupts = true;
    vq->desc = memory;
    vq->avail = (void *)(bytes + avail_offset(size));
    vq->used = (const void *)(bytes + used_offset(size));
    vq->tables = indirect ? (void *)(bytes + tables_offset(size)) : NULL;
    vq->desc_address = address;
    vq->avail_address = address + avail_offset(size);
    vq->used_address = address + used_offset(size);
    vq->tables_address = indirect ? address + tables_offset(size) : 0;
    free_chain_init(vq);
    ASSERT_SLOW((virtq_check(vq), true));
    return OK;
}

/* ---- check ---- */

/* Follows `count` descriptors from `at`, each of which must not have been seen before. */
static uint16_t check_chain(const struct virtq *vq, uint64_t seen[VIRTQ_SIZE_MAX / 64], uint16_t at,
                            uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << (at % 64U);

        ASSERT(at < vq->size);
        ASSERT((seen[at / 64U] & bit) == 0);
        seen[at / 64U] |= bit;
        at = vq->shadow[at].next;
    }
    return at;
}

void virtq_check(const struct virtq *vq)
{
    uint64_t seen[VIRTQ_SIZE_MAX / 64] = { 0 };
    unsigned owned = 0;
    unsigned heads = 0;
    unsigned hidden = (uint16_t)(vq->avail_next - vq->published); /* added, not shown */

    ASSERT(is_power_of_two(vq->size) && vq->size <= VIRTQ_SIZE_MAX);
    ASSERT(vq->free_count <= vq->size);
    for (uint16_t i = 0; i < vq->size; i++) {
        if (vq->shadow[i].chain != 0) {
            check_chain(vq, seen, i, vq->shadow[i].chain);
            ASSERT(vq->shadow[i].serial < vq->requests);
            owned += vq->shadow[i].chain;
            heads++;
        }
    }
    check_chain(vq, seen, vq->free_head, vq->free_count);
    ASSERT(owned + vq->free_count == vq->size);
    ASSERT(heads == vq->in_flight);
    ASSERT(hidden <= vq->in_flight);
    /* Every published request was taken or is in flight. */
    ASSERT((uint16_t)(vq->published - vq->used_next) == vq->in_flight - hidden);
}
