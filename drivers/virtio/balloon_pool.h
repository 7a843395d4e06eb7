/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The buffers in which frame numbers travel to the device, and the requests made of them.
 *
 * All buffers form one sequence of 32-bit frame numbers, 1024 to a frame. Request r owns the
 * numbers from r * pfns_per_request on. The first frame is held always, so that a guest without a
 * single free frame can still move pages; the others are held only while pages move.
 *
 * A request is idle, open (being filled; at most one) or in flight. The device reads the buffers;
 * the driver only writes them: what it must know later stands in the ledger and in `pages`.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "drivers/virtio/balloon_mem.h"
#include "drivers/virtio/virtq.h"

#define BALLOON_PFNS_PER_FRAME    1024U
#define BALLOON_POOL_FRAMES_MAX   64U
#define BALLOON_POOL_REQUESTS_MAX 64U

/* How a kind of host likes its requests. */
struct balloon_profile {
    const char *name;
    uint32_t pfns_per_buffer;     /* a power of two up to BALLOON_PFNS_PER_FRAME */
    uint32_t buffers_per_request; /* 1 to VIRTQ_BUFFERS_MAX */
    uint32_t requests_max;        /* in flight, 1 to BALLOON_POOL_REQUESTS_MAX */
};

/*
 * For a host nobody knows: 256 frame numbers in one descriptor, never chained. Firecracker never
 * returns a larger descriptor and reads only the head of a chain, Cloud Hypervisor acknowledges a
 * larger one without reading it. 64 requests are 64 MiB a notification, and adjacent requests are
 * merged by hosts that can.
 */
extern const struct balloon_profile balloon_profile_careful;

/* QEMU: any length is read. Four frames of numbers, 16 MiB, in one element, so that the 512 numbers
 * of a 2 MiB block are never split: a host page larger than 4 KiB is given back only when all its
 * frame numbers arrive in one element (observed: QEMU 7.2). */
extern const struct balloon_profile balloon_profile_qemu;

/* Firecracker: as the careful one; it gathers up to 2048 numbers from descriptors that are
 * available together and merges neighbours (observed: Firecracker 1.7), so requests stay in order.
 */
extern const struct balloon_profile balloon_profile_firecracker;

/* Cloud Hypervisor: 256 numbers in a descriptor, but it reads chains, so that two of them carry a
 * whole block in one element (observed: Cloud Hypervisor 38). */
extern const struct balloon_profile balloon_profile_cloud_hypervisor;

/* crosvm: any length, and neighbours are merged within a request (observed: crosvm f1e797a6). */
extern const struct balloon_profile balloon_profile_crosvm;

/* The profile for a host that calls itself `oem_id` in its ACPI tables (six characters, padded with
 * blanks); the careful one for a host that is not known. */
const struct balloon_profile *balloon_profile_of(const char *oem_id);

struct balloon_pool {
    const struct balloon_mem_ops *mem;
    uint32_t pfns_per_buffer;
    uint32_t pfns_per_request;
    unsigned requests;  /* how many there are */
    unsigned frames;    /* how many they need together */
    unsigned held;      /* how many are held, at least 1 */
    unsigned in_flight; /* requests */
    bool opened;        /* a request is open: `open`, with `filled` numbers in it */
    unsigned open;
    uint32_t filled;
    struct {
        uint32_t *pfns; /* the device reads; driver writes */
        paddr_t address;
    } frame[BALLOON_POOL_FRAMES_MAX];
    struct {
        uint32_t pages; /* 0: not in flight */
        uint8_t tag;    /* the caller's */
        uint64_t since_ns;
    } request[BALLOON_POOL_REQUESTS_MAX];
};

/* Takes the frame that is always held. ERR_NOMEM. The pool has no requests before it is shaped. */
MUST_USE err_t balloon_pool_init(struct balloon_pool *pool, const struct balloon_mem_ops *mem);

/* Gives every frame back. Nothing may be in flight. */
void balloon_pool_fini(struct balloon_pool *pool);

/* Cuts the sequence into requests; `descriptors` is what the queue can hold, at least 1, and a
 * request costs one of them for each buffer unless `indirect`. Nothing may be in flight. */
void balloon_pool_shape(struct balloon_pool *pool, const struct balloon_profile *profile,
                        unsigned descriptors, bool indirect);

/* Tries to hold room for `pages` more numbers, using only frames that leave more than `keep_free`
 * frames free. What cannot be had is done without. */
void balloon_pool_grow(struct balloon_pool *pool, uint64_t pages, uint64_t keep_free);

/* Gives back all frames but the first. Nothing may be in flight or open. */
void balloon_pool_shrink(struct balloon_pool *pool);

/* Numbers that fit into the open and the idle requests; into the open one; into all idle requests
 * if every frame were held. */
uint64_t balloon_pool_room(const struct balloon_pool *pool);
uint32_t balloon_pool_open_room(const struct balloon_pool *pool);
uint64_t balloon_pool_room_at_most(const struct balloon_pool *pool);

/* Opens an idle request that has a buffer. False when there is none. None may be open. */
MUST_USE bool balloon_pool_open(struct balloon_pool *pool);

/* Makes the open request, in which nothing was written, idle again. */
void balloon_pool_drop(struct balloon_pool *pool);

/* Writes the numbers of a run into the open request; returns how many fitted. */
MUST_USE pfn_t balloon_pool_append(struct balloon_pool *pool, pfn_t first, pfn_t count);

/* Makes the open request, which is not empty, ready for the queue: fills in at most
 * VIRTQ_BUFFERS_MAX buffers and returns how many. It is in flight from now on. */
MUST_USE unsigned balloon_pool_close(struct balloon_pool *pool, uint64_t now_ns, uint8_t tag,
                                     struct virtq_buffer *buffers, uint16_t *cookie);

/* The device is done with a request, which must be in flight; returns its pages, and its tag. */
uint32_t balloon_pool_done(struct balloon_pool *pool, uint16_t cookie, uint8_t *tag);

/* The device was reset: nothing is in flight or open any more. */
void balloon_pool_forget(struct balloon_pool *pool);

/* When the oldest request in flight was closed; something must be in flight. */
uint64_t balloon_pool_oldest(const struct balloon_pool *pool);

void balloon_pool_check(const struct balloon_pool *pool);
