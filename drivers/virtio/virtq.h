/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The virtqueue: split [VIRTIO 1.4 §2.7], split in the layout of the legacy interface
 * [VIRTIO 1.4 §2.7.2] or packed [VIRTIO 1.4 §2.8], each with or without indirect descriptors and
 * event index, behind one interface. Pure code: no hardware, no allocation, no clock.
 *
 * Use: virtq_add() any number of requests, then `if (virtq_publish(vq)) notify`. Completed ones are
 * fetched with virtq_take() until ERR_AGAIN. The driver keeps its own copy of everything it needs
 * to know; what the device writes is copied once, checked, then used. A device that breaks the
 * rules makes every later call return ERR_DEVICE until the queue is initialised again.
 *
 * Callable from one context at a time; no function sleeps.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

/* The largest queue we use. Elsewhere a device that offers more is asked for less, but a legacy
 * device dictates the size: observed: QEMU 7.2, 1024 for the balloon's free page hints. */
#define VIRTQ_SIZE_MAX 1024U
/* Buffers in one request. */
#define VIRTQ_BUFFERS_MAX 16U
/* Where the used ring of a legacy queue begins, "Queue Align" [VIRTIO 1.4 §2.7.2]. */
#define VIRTQ_LEGACY_ALIGN 4096U

struct virtq_buffer {
    paddr_t address;
    uint32_t bytes;
};

/* How a queue is to be laid out. */
struct virtq_shape {
    uint16_t size;        /* descriptors: a power of two up to VIRTQ_SIZE_MAX */
    bool packed;          /* VIRTIO_F_RING_PACKED negotiated */
    bool event_idx;       /* VIRTIO_F_EVENT_IDX negotiated */
    bool indirect;        /* VIRTIO_F_INDIRECT_DESC negotiated */
    bool legacy;          /* the contiguous layout of the legacy interface; never packed */
    uint16_t buffers_max; /* in one request; 0: VIRTQ_BUFFERS_MAX, 1: no indirect tables */
};

struct virtq_shadow;
struct virtq_desc;
struct virtq_avail;
struct virtq_used;
struct virtq_packed_desc;
struct virtq_event;

/*
 * The three positions run freely modulo 65536. In a split queue they count requests, in a packed
 * queue slots of the descriptor ring: position p is slot p % size, and the wrap counter is 1 in
 * every even round of the ring [VIRTIO 1.4 §2.8.1].
 */
struct virtq {
    /* driver only */
    uint16_t size;
    uint16_t index;       /* the queue's number at the device */
    uint16_t buffers_max; /* in one request */
    bool packed;
    bool event_idx;      /* VIRTIO_F_EVENT_IDX negotiated */
    bool indirect;       /* VIRTIO_F_INDIRECT_DESC negotiated and tables present */
    bool legacy;         /* used lengths are not to be relied on */
    bool broken;         /* the device lied; nothing more is accepted */
    bool interrupts;     /* the driver wants to be interrupted */
    uint16_t free_head;  /* chain of free ids through shadow[].next */
    uint16_t free_count; /* free descriptors */
    uint16_t avail_next; /* position of the next request to be added */
    uint16_t published;  /* position up to which the device has been shown requests */
    uint16_t used_next;  /* position of the next completion */
    uint16_t in_flight;  /* requests added and not yet taken */
    uint16_t held_flags; /* packed: what makes the descriptor at `published` available */
    uint64_t requests;   /* requests added since virtq_init; the next one's serial */
    uint64_t shown;      /* requests the device has been shown since virtq_init */
    struct virtq_shadow *shadow;
    /* shared with the device: split */
    struct virtq_desc *desc;       /* driver writes */
    struct virtq_avail *avail;     /* driver writes */
    const struct virtq_used *used; /* device writes */
    /* shared with the device: packed */
    struct virtq_packed_desc *ring;         /* both write */
    struct virtq_event *driver_event;       /* driver writes: when it wants an interrupt */
    const struct virtq_event *device_event; /* device writes: when it wants a notification */
    /* shared with the device: indirect tables of buffers_max entries for each id, or null */
    void *tables;
    paddr_t tables_address;
    /* What the device is told: descriptors, available ring and used ring; of a packed queue the
     * descriptor ring, the driver's and the device's event suppression structures. */
    paddr_t desc_address;
    paddr_t avail_address;
    paddr_t used_address;
};

/* Bytes of physically contiguous, frame-aligned memory for a queue of this shape: the rings, the
 * indirect tables and the driver's own notes. Grows with `size` and `buffers_max`; a packed queue
 * never needs more than the same one split. */
size_t virtq_bytes(const struct virtq_shape *shape);

/*
 * Lays the queue out in `memory` (virtq_bytes() bytes, zeroed here) at physical `address`.
 * Interrupts start switched on, as virtq_interrupts_on(vq, 1) leaves them. Nothing is shown to the
 * device. ERR_RANGE for a bad size.
 */
MUST_USE err_t virtq_init(struct virtq *vq, uint16_t index, const struct virtq_shape *shape,
                          void *memory, paddr_t address);

/*
 * Adds one request: `readable` buffers that the device reads, then `writable` ones that it writes,
 * together 1 to buffers_max of the queue. Uses one descriptor (and a table) when indirect
 * descriptors are on and there is more than one buffer, otherwise a chain. No buffer is empty. The
 * buffers belong to the device until virtq_take() returns `cookie`. ERR_BUSY when the queue has no
 * room; ERR_RANGE when it never can: more buffers than the queue has descriptors, or more than 2^32
 * bytes in all.
 */
MUST_USE err_t virtq_add(struct virtq *vq, const struct virtq_buffer *buffers, unsigned readable,
                         unsigned writable, uint16_t cookie);

/* Shows all added requests to the device, at once; true when it wants to be notified.
 * [VIRTIO 1.4 §2.7.13.3, §2.7.13.4, §2.8.21] */
MUST_USE bool virtq_publish(struct virtq *vq);

/* The next completed request: its cookie and how many bytes the device says it wrote (never more
 * than the request's writable bytes, so 0 when it has none, whatever the device says). ERR_AGAIN
 * when there is none; ERR_DEVICE when the device returned what it does not own, or claims more
 * bytes than it could write (a legacy device may: its lengths mean little). The outputs are written
 * only with OK. */
MUST_USE err_t virtq_take(struct virtq *vq, uint16_t *cookie, uint32_t *written);

/* No interrupts wanted; a hint to the device, so late ones must be survived. */
void virtq_interrupts_off(struct virtq *vq);

/*
 * Ask for one interrupt once `after` further requests (1 to the queue's size) have completed. True
 * when that has already happened: then take them, and ask again. With event index the request is
 * good for one interrupt, so ask again after every round of takes; without it, the device
 * interrupts for each completion until virtq_interrupts_off(). [VIRTIO 1.4 §2.7.7, §2.7.14]
 *
 * A packed queue names the ring slot to wait for. Where requests may be chains of several slots
 * (more than one buffer, and no indirect descriptors), nobody can know in which slot the n-th
 * completion will be written, so there `after` counts as 1: early, never late.
 */
MUST_USE bool virtq_interrupts_on(struct virtq *vq, uint16_t after);

/* True when a used entry waits to be taken; never for a broken queue. */
bool virtq_has_used(const struct virtq *vq);

/* Asserts that free chain, owned chains and counts add up. Looks only at what the driver keeps for
 * itself, so it holds for a broken queue too. Cost: one step per descriptor. */
void virtq_check(const struct virtq *vq);
