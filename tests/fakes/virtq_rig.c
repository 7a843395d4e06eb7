/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtqueue with a device at its other end. Every queue starts in memory full of garbage, and
 * whatever is taken is followed by a check of the queue's books. */

#include "tests/fakes/virtq_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/virtq_internal.h"
#include "tests/fakes/fake_seams.h"

struct virtq_rig rig;
const struct virtq_buffer rig_page = { .address = 0x5000, .bytes = 1024 };

/* ---- shapes ---- */

static void set_shape(unsigned number)
{
    rig.shape = (struct virtq_shape){ .event_idx = (number & 1U) != 0,
                                      .indirect = (number & 2U) != 0,
                                      .legacy = number / 4 == 1,
                                      .packed = number / 4 == 2 };
}

bool rig_next_shape(void)
{
    static unsigned number;

    number = rig.in_round ? number + 1 : 0;
    rig.in_round = number < 12;
    if (rig.in_round) {
        set_shape(number);
    }
    return rig.in_round;
}

void rig_split(void)
{
    set_shape(0);
}

void rig_legacy(void)
{
    set_shape(4);
}

void rig_packed(void)
{
    set_shape(8);
}

bool rig_has_chains(void)
{
    return !rig.shape.indirect;
}

/* ---- beginning and end ---- */

void rig_start(uint16_t size)
{
    size_t bytes;

    rig.shape.size = size;
    bytes = virtq_bytes(&rig.shape);
    free(rig.memory);
    rig.memory = aligned_alloc(FRAME_SIZE, align_up(bytes, FRAME_SIZE));
    ASSERT(rig.memory != NULL);
    memset(rig.memory, 0xa5, bytes);
    ASSERT(virtq_init(&rig.vq, 3, &rig.shape, rig.memory, (uintptr_t)rig.memory) == OK);
    fake_virtq_device_attach(&rig.dev, &rig.vq);
    (void)fake_virtq_device_sleep(&rig.dev);
}

/* A multiple of two rounds later everything looks alike, so the requests up to there need not be
 * made; the indices of a split queue are set there. */
void rig_start_at(uint16_t size, uint16_t start)
{
    uint16_t skipped = (uint16_t)align_down(start, 2U * size);

    rig_start(size);
    rig.vq.avail_next = rig.vq.published = rig.vq.used_next = skipped;
    if (!rig.vq.packed) {
        rig.vq.avail->idx = skipped;
        ((struct virtq_used *)(uintptr_t)rig.vq.used_address)->idx = skipped;
        fake_virtq_device_attach(&rig.dev, &rig.vq);
    }
    while (rig.vq.used_next != start) {
        fake_virtq_device_push(&rig.dev, rig_show(0), 0);
        rig_assert_takes(0);
    }
    (void)fake_virtq_device_interrupts(&rig.dev);
    ASSERT(!virtq_interrupts_on(&rig.vq, 1));
    (void)fake_virtq_device_sleep(&rig.dev);
}

int rig_teardown(void **state)
{
    (void)state;
    if (rig.in_round) {
        fprintf(stderr, "virtq_rig: packed %d, legacy %d, event index %d, indirect %d\n",
                rig.shape.packed, rig.shape.legacy, rig.shape.event_idx, rig.shape.indirect);
        rig.in_round = false;
    }
    if (rig.memory != NULL) {
        virtq_check(&rig.vq);
        free(rig.memory);
        rig.memory = NULL;
    }
    return 0;
}

/* ---- requests ---- */

void rig_add(uint16_t cookie)
{
    ASSERT(virtq_add(&rig.vq, &rig_page, 1, 0, cookie) == OK);
}

void rig_publish(void)
{
    bool notify = virtq_publish(&rig.vq);

    (void)notify;
}

uint16_t rig_pop(void)
{
    ASSERT(fake_virtq_device_pop(&rig.dev, &rig.request));
    return rig.request.id;
}

uint16_t rig_show(uint16_t cookie)
{
    rig_add(cookie);
    rig_publish();
    return rig_pop();
}

uint16_t rig_newest(void)
{
    uint16_t id = 0;

    while (rig.vq.shadow[id].chain == 0 || rig.vq.shadow[id].serial + 1 != rig.vq.requests) {
        id++;
        ASSERT(id < rig.vq.size);
    }
    return id;
}

err_t rig_take(uint16_t *cookie, uint32_t *bytes)
{
    err_t err = virtq_take(&rig.vq, cookie, bytes);

    virtq_check(&rig.vq);
    return err;
}

void rig_assert_takes(uint16_t cookie)
{
    uint16_t got = 0;
    uint32_t bytes = 1;

    ASSERT(virtq_has_used(&rig.vq));
    ASSERT(rig_take(&got, &bytes) == OK);
    ASSERT(got == cookie);
    ASSERT(bytes == 0);
}

void rig_assert_broken(void)
{
    unsigned logged = fake_seams.log_lines[LOG_ERROR];
    uint16_t cookie = 77;
    uint32_t bytes = 77;

    ASSERT(!rig.vq.broken);
    ASSERT(rig_take(&cookie, &bytes) == ERR_DEVICE);
    ASSERT(rig.vq.broken);
    ASSERT(rig_take(&cookie, &bytes) == ERR_DEVICE);
    ASSERT(virtq_add(&rig.vq, &rig_page, 1, 0, 0) == ERR_DEVICE);
    ASSERT(!virtq_publish(&rig.vq));
    ASSERT(!virtq_has_used(&rig.vq));
    ASSERT(!virtq_interrupts_on(&rig.vq, 1));
    ASSERT(cookie == 77 && bytes == 77);
    ASSERT(fake_seams.log_lines[LOG_ERROR] == logged + 1);
}
