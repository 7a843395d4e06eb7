/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers of frame numbers and the requests made of them. Which frames go where is the caller's
 * decision; this file only writes numbers and keeps count. A number is the
 * guest-physical address divided by 4096, in 32 bits, little-endian [VIRTIO 1.4 §5.5.6].
 *
 * Invariant: a buffer that is in flight is neither written nor given back.
 */

#include "drivers/virtio/balloon_pool.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frame numbers are stored as they are");
STATIC_ASSERT(BALLOON_PFNS_PER_FRAME * sizeof(uint32_t) == FRAME_SIZE, "a frame of numbers");

const struct balloon_profile balloon_profile_careful = { "careful", 256, 1, 64 };
const struct balloon_profile balloon_profile_qemu = { "qemu", BALLOON_PFNS_PER_FRAME, 4, 8 };
const struct balloon_profile balloon_profile_firecracker = { "firecracker", 256, 1, 64 };
const struct balloon_profile balloon_profile_cloud_hypervisor = { "cloud-hypervisor", 256, 2, 64 };
const struct balloon_profile balloon_profile_crosvm = { "crosvm", BALLOON_PFNS_PER_FRAME, 4, 8 };

const struct balloon_profile *balloon_profile_of(const char *oem_id)
{
    static const struct {
        const char *oem_id;
        const struct balloon_profile *profile;
    } known[] = {
        { "BOCHS ", &balloon_profile_qemu },
        { "FIRECK", &balloon_profile_firecracker },
        { "CLOUDH", &balloon_profile_cloud_hypervisor },
        { "CROSVM", &balloon_profile_crosvm },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        if (strcmp(oem_id, known[i].oem_id) == 0) {
            return known[i].profile;
        }
    }
    return &balloon_profile_careful;
}

err_t balloon_pool_init(struct balloon_pool *pool, const struct balloon_mem_ops *mem)
{
    void *memory;
    paddr_t address;
    err_t err = mem->page_alloc(1, &memory, &address);

    if (err != OK) {
        return err;
    }
    *pool = (struct balloon_pool){ .mem = mem, .held = 1 };
    pool->frame[0].pfns = memory;
    pool->frame[0].address = address;
    return OK;
}

void balloon_pool_fini(struct balloon_pool *pool)
{
    balloon_pool_shrink(pool);
    pool->mem->page_free(pool->frame[0].pfns, pool->frame[0].address, 1);
    pool->held = 0;
}

void balloon_pool_shape(struct balloon_pool *pool, const struct balloon_profile *profile,
                        unsigned descriptors, bool indirect)
{
    uint32_t buffers = profile->buffers_per_request;
    uint64_t pfns;

    ASSERT(pool->in_flight == 0);
    ASSERT(descriptors > 0);
    ASSERT(is_power_of_two(profile->pfns_per_buffer));
    ASSERT(profile->pfns_per_buffer <= BALLOON_PFNS_PER_FRAME);
    ASSERT(buffers > 0 && buffers <= VIRTQ_BUFFERS_MAX);
    ASSERT(profile->requests_max > 0 && profile->requests_max <= BALLOON_POOL_REQUESTS_MAX);
    /* A queue too short for one request gets shorter ones; an indirect table, too, may not be
     * longer than the queue [VIRTIO 1.4 §2.7.5.3.1]. */
    buffers = buffers < descriptors ? buffers : descriptors;
    if (!indirect) {
        descriptors /= buffers;
    }
    pool->pfns_per_buffer = profile->pfns_per_buffer;
    pool->pfns_per_request = buffers * profile->pfns_per_buffer;
    pool->requests = (unsigned)min_u64(descriptors, profile->requests_max);
    pfns = (uint64_t)pool->requests * pool->pfns_per_request;
    pool->frames = (unsigned)min_u64((pfns + BALLOON_PFNS_PER_FRAME - 1) / BALLOON_PFNS_PER_FRAME,
                                     BALLOON_POOL_FRAMES_MAX);
}

/* How many numbers the first `frames` frames give to request r. */
static uint32_t capacity(const struct balloon_pool *pool, unsigned r, unsigned frames)
{
    uint64_t begin = (uint64_t)r * pool->pfns_per_request;
    uint64_t end = (uint64_t)frames * BALLOON_PFNS_PER_FRAME;

    return begin >= end ? 0 : (uint32_t)min_u64(end - begin, pool->pfns_per_request);
}

static uint64_t room_with(const struct balloon_pool *pool, unsigned frames)
{
    uint64_t room = 0;

    for (unsigned r = 0; r < pool->requests; r++) {
        if (pool->request[r].pages == 0) {
            room += capacity(pool, r, frames);
        }
    }
    return pool->opened ? room - pool->filled : room;
}

uint64_t balloon_pool_room(const struct balloon_pool *pool)
{
    return room_with(pool, pool->held);
}

uint64_t balloon_pool_room_at_most(const struct balloon_pool *pool)
{
    return room_with(pool, pool->frames);
}

uint32_t balloon_pool_open_room(const struct balloon_pool *pool)
{
    return pool->opened ? capacity(pool, pool->open, pool->held) - pool->filled : 0;
}

void balloon_pool_grow(struct balloon_pool *pool, uint64_t pages, uint64_t keep_free)
{
    void *memory;
    paddr_t address;

    while (pool->held < pool->frames && balloon_pool_room(pool) < pages &&
           pool->mem->free_count() > keep_free) {
        if (pool->mem->page_alloc(1, &memory, &address) != OK) {
            return;
        }
        pool->frame[pool->held].pfns = memory;
        pool->frame[pool->held].address = address;
        pool->held++;
    }
}

void balloon_pool_shrink(struct balloon_pool *pool)
{
    ASSERT(pool->in_flight == 0);
    ASSERT(!pool->opened);
    while (pool->held > 1) {
        pool->held--;
        pool->mem->page_free(pool->frame[pool->held].pfns, pool->frame[pool->held].address, 1);
    }
}

bool balloon_pool_open(struct balloon_pool *pool)
{
    ASSERT(!pool->opened);
    for (unsigned r = 0; r < pool->requests; r++) {
        if (pool->request[r].pages == 0 && capacity(pool, r, pool->held) > 0) {
            pool->open = r;
            pool->filled = 0;
            pool->opened = true;
            return true;
        }
    }
    return false;
}

void balloon_pool_drop(struct balloon_pool *pool)
{
    ASSERT(pool->opened);
    ASSERT(pool->filled == 0);
    pool->opened = false;
}

unsigned balloon_pool_close(struct balloon_pool *pool, uint64_t now_ns, uint8_t tag,
                            struct virtq_buffer *buffers, uint16_t *cookie)
{
    uint64_t at = (uint64_t)pool->open * pool->pfns_per_request;
    uint32_t left = pool->filled;
    unsigned count = 0;

    ASSERT(pool->opened);
    ASSERT(pool->filled > 0);
    while (left > 0) {
        uint32_t pfns = (uint32_t)min_u64(left, pool->pfns_per_buffer);
        uint32_t offset = (uint32_t)(at % BALLOON_PFNS_PER_FRAME);

        ASSERT(count < VIRTQ_BUFFERS_MAX);
        buffers[count].address =
            pool->frame[at / BALLOON_PFNS_PER_FRAME].address + offset * sizeof(uint32_t);
        buffers[count].bytes = pfns * (uint32_t)sizeof(uint32_t);
        count++;
        at += pfns;
        left -= pfns;
    }
    pool->request[pool->open].pages = pool->filled;
    pool->request[pool->open].tag = tag;
    pool->request[pool->open].since_ns = now_ns;
    pool->in_flight++;
    pool->opened = false;
    *cookie = (uint16_t)pool->open;
    return count;
}

uint32_t balloon_pool_done(struct balloon_pool *pool, uint16_t cookie, uint8_t *tag)
{
    uint32_t pages;

    ASSERT(cookie < pool->requests);
    pages = pool->request[cookie].pages;
    ASSERT(pages > 0);
    ASSERT(pool->in_flight > 0);
    pool->request[cookie].pages = 0;
    *tag = pool->request[cookie].tag;
    pool->in_flight--;
    return pages;
}

void balloon_pool_forget(struct balloon_pool *pool)
{
    for (unsigned r = 0; r < pool->requests; r++) {
        pool->request[r].pages = 0;
    }
    pool->in_flight = 0;
    pool->opened = false;
}

uint64_t balloon_pool_oldest(const struct balloon_pool *pool)
{
    uint64_t oldest = UINT64_MAX;

    ASSERT(pool->in_flight > 0);
    for (unsigned r = 0; r < pool->requests; r++) {
        if (pool->request[r].pages > 0) {
            oldest = min_u64(oldest, pool->request[r].since_ns);
        }
    }
    return oldest;
}

void balloon_pool_check(const struct balloon_pool *pool)
{
    unsigned in_flight = 0;

    for (unsigned r = 0; r < pool->requests; r++) {
        ASSERT(pool->request[r].pages <= capacity(pool, r, pool->held));
        in_flight += pool->request[r].pages > 0;
    }
    ASSERT(in_flight == pool->in_flight);
    ASSERT(pool->held >= 1);
    ASSERT(pool->held <= BALLOON_POOL_FRAMES_MAX);
    ASSERT(!pool->opened || pool->request[pool->open].pages == 0);
}
