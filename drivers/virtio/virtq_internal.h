/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the files of the virtqueue share, and nobody else: the driver's notes about requests, access
 * to memory that the device shares, and what each format of ring does its own way. The order of the
 * calls, the notes and all checks are in virtq.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "drivers/virtio/virtq.h"
#include "drivers/virtio/virtq_spec.h"

/* One for every id: in a split queue an id is a descriptor, in a packed queue just a number. */
struct virtq_shadow {
    uint64_t serial;   /* how many requests were added before this one */
    uint32_t writable; /* bytes the device may write: the bound of the used length */
    uint16_t next;     /* split: the trusted copy of the chain; both: the chain of free ids */
    uint16_t chain;    /* descriptors of the request, 0: no request has this id */
    uint16_t cookie;   /* the caller's number for the request */
};

/* A request as the device returned it, not checked yet. */
struct virtq_return {
    uint32_t id;
    uint32_t bytes;
    bool wrote; /* packed: the device says that `bytes` means something; split: always */
};

/* ---- access to shared memory: one load or store, never torn or repeated ---- */

static inline uint16_t virtq_load16(const uint16_t *from)
{
    return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static inline uint32_t virtq_load32(const uint32_t *from)
{
    return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static inline void virtq_store16(uint16_t *to, uint16_t value)
{
    __atomic_store_n(to, value, __ATOMIC_RELAXED);
}

static inline void virtq_store32(uint32_t *to, uint32_t value)
{
    __atomic_store_n(to, value, __ATOMIC_RELAXED);
}

/* ---- both formats ---- */

/* The device did what no device may do. Said once, since nothing is accepted any more. */
err_t virtq_fault(struct virtq *vq, const char *what, uint32_t value);

/* Flags of buffer `i` of `count`: the writable ones come last [VIRTIO 1.4 §2.7.4.2, §2.8.17]. */
static inline uint16_t virtq_desc_flags(unsigned i, unsigned count, unsigned readable)
{
    return (uint16_t)((i + 1 < count ? VIRTQ_DESC_NEXT : 0U) |
                      (i >= readable ? VIRTQ_DESC_WRITE : 0U));
}

/* The table of an id, so that none is ever searched or shared, as a buffer of `count` entries. */
struct virtq_buffer virtq_table(const struct virtq *vq, uint16_t id, unsigned count);

/*
 * What each format does its own way:
 *
 *   put           writes the descriptors of request `id` and moves avail_next; nothing is visible
 *   reveal        the one store that makes all of them visible
 *   wants_notify  whether the device wants to hear of the requests from position `before` on
 *   next          the next return: OK, ERR_AGAIN or ERR_DEVICE
 *   wish          tells the device when to interrupt: after `after` completions, or never (0)
 *   has_used      whether `count` (at least 1) completions wait
 */
void virtq_split_put(struct virtq *vq, uint16_t id, const struct virtq_buffer *buffers,
                     unsigned readable, unsigned count);
void virtq_split_reveal(struct virtq *vq);
bool virtq_split_wants_notify(const struct virtq *vq, uint16_t before);
err_t virtq_split_next(struct virtq *vq, struct virtq_return *returned);
void virtq_split_wish(struct virtq *vq, uint16_t after);
bool virtq_split_has_used(const struct virtq *vq, uint16_t count);
/* After every taken request: keeps "never" out of reach. */
void virtq_split_refresh(struct virtq *vq);

void virtq_packed_put(struct virtq *vq, uint16_t id, const struct virtq_buffer *buffers,
                      unsigned readable, unsigned count);
void virtq_packed_reveal(struct virtq *vq);
bool virtq_packed_wants_notify(const struct virtq *vq, uint16_t before);
err_t virtq_packed_next(struct virtq *vq, struct virtq_return *returned);
void virtq_packed_wish(struct virtq *vq, uint16_t after);
bool virtq_packed_has_used(const struct virtq *vq, uint16_t count);

static inline void virtq_wish(struct virtq *vq, uint16_t after)
{
    if (vq->packed) {
        virtq_packed_wish(vq, after);
    } else {
        virtq_split_wish(vq, after);
    }
}
