/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The split virtqueue [VIRTIO 1.4 §2.7], with indirect descriptors and event index. Pure code: no
 * hardware, no allocation, no clock.
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

/* The largest queue we use; a device that offers more is asked for less. */
#define VIRTQ_SIZE_MAX 256U
/* Buffers in one request. */
#define VIRTQ_BUFFERS_MAX 16U

struct virtq_buffer {
    paddr_t address;
    uint32_t bytes;
};

struct virtq_desc;
struct virtq_avail;
struct virtq_used;

struct virtq {
    /* driver only */
    uint16_t size;
    uint16_t index;     /* the queue's number at the device */
    bool event_idx;     /* VIRTIO_F_EVENT_IDX negotiated */
    bool indirect;      /* VIRTIO_F_INDIRECT_DESC negotiated and tables present */
    bool broken;        /* the device lied; nothing more is accepted */
    bool interrupts;    /* the driver wants to be interrupted */
    uint16_t free_head; /* chain of free descriptors through shadow[].next */
    uint16_t free_count;
    uint16_t avail_next; /* index we will publish next (free running) */
    uint16_t published;  /* avail index the device has been shown */
    uint16_t used_next;  /* index of the next used entry to read (free running) */
    uint16_t in_flight;  /* requests added and not yet taken */
    uint64_t requests;   /* requests added since virtq_init; the next one's serial */
    struct {
        uint16_t next;     /* trusted copy of the chain */
        uint16_t chain;    /* descriptors of the request, 0: not a head we own */
        uint16_t cookie;   /* the caller's number for the request */
        uint32_t writable; /* bytes the device may write: the bound of the used length */
        uint64_t serial;   /* how many requests were added before this one */
    } shadow[VIRTQ_SIZE_MAX];
    /* shared with the device */
    struct virtq_desc *desc;       /* driver writes */
    struct virtq_avail *avail;     /* driver writes */
    const struct virtq_used *used; /* device writes */
    struct virtq_desc *tables;     /* size * VIRTQ_BUFFERS_MAX entries, or null */
    paddr_t desc_address;
    paddr_t avail_address;
    paddr_t used_address;
    paddr_t tables_address;
};

/* Bytes of physically contiguous, frame-aligned memory for the rings of a queue of `size`, and for
 * its indirect tables on top (0 tables when `indirect` is false). Grows with `size`. */
size_t virtq_bytes(uint16_t size, bool indirect);

/*
 * Lays the rings out in `memory` (virtq_bytes() bytes, zeroed here) at physical `address`. `size`
 * is a power of two up to VIRTQ_SIZE_MAX. Interrupts start switched on, as virtq_interrupts_on(vq,
 * 1) leaves them. Nothing is shown to the device. ERR_RANGE for a bad size.
 */
MUST_USE err_t virtq_init(struct virtq *vq, uint16_t index, uint16_t size, bool event_idx,
                          bool indirect, void *memory, paddr_t address);

/*
 * Adds one request: `readable` buffers that the device reads, then `writable` ones that it writes,
 * together 1 to VIRTQ_BUFFERS_MAX. Uses one descriptor (and a table) when indirect descriptors are
 * on and there is more than one buffer, otherwise a chain. No buffer is empty. The buffers belong
 * to the device until virtq_take() returns `cookie`. ERR_BUSY when the queue has no room; ERR_RANGE
 * when it never can: more buffers than the queue has descriptors, or more than 2^32 bytes in all.
 */
MUST_USE err_t virtq_add(struct virtq *vq, const struct virtq_buffer *buffers, unsigned readable,
                         unsigned writable, uint16_t cookie);

/* Shows all added requests to the device; true when it wants to be notified.
 * [VIRTIO 1.4 §2.7.13.3, §2.7.13.4] */
MUST_USE bool virtq_publish(struct virtq *vq);

/* The next completed request: its cookie and how many bytes the device says it wrote (never more
 * than the request's writable bytes; 0 when it has none, whatever the device says). ERR_AGAIN when
 * there is none, ERR_DEVICE when the device returned what it does not own. The outputs are written
 * only with OK. */
MUST_USE err_t virtq_take(struct virtq *vq, uint16_t *cookie, uint32_t *written);

/* No interrupts wanted; a hint to the device, so late ones must be survived. */
void virtq_interrupts_off(struct virtq *vq);

/*
 * Ask for one interrupt once `after` further requests (1 to the queue's size) have completed. True
 * when that has already happened: then take them, and ask again. With event index the request is
 * good for one interrupt, so ask again after every round of takes; without it, the device
 * interrupts for each completion until virtq_interrupts_off(). [VIRTIO 1.4 §2.7.7, §2.7.14]
 */
MUST_USE bool virtq_interrupts_on(struct virtq *vq, uint16_t after);

/* True when a used entry waits to be taken; never for a broken queue. */
bool virtq_has_used(const struct virtq *vq);

/* Asserts that free chain, owned chains and counts add up. Looks only at what the driver keeps for
 * itself, so it holds for a broken queue too. Cost: one step per descriptor. */
void virtq_check(const struct virtq *vq);
