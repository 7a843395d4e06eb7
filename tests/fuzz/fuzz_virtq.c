/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile device and a driver take turns at one queue of any layout, as the input says.
 * Properties: the driver never crashes and never breaks a rule itself (the fake device asserts
 * those as long as it has not lied about what it fetched); a cookie comes back only while it is in
 * flight and was shown, and only once; a used length is never more than was writable; the queue's
 * own books balance at every step, broken or not.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bits.h"
#include "drivers/virtio/virtq.h"
#include "tests/fakes/fake_virtq_device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum cookie_state { FREE, ADDED, SHOWN };

#define COOKIES 512U

struct run {
    const uint8_t *data;
    size_t left;
    struct virtq vq;
    struct fake_virtq_device dev;
    void *memory;
    enum cookie_state cookies[COOKIES];
    uint32_t writable[COOKIES];
    uint16_t ids[64]; /* fetched by the device, some still to be returned */
    unsigned id_count;
    bool lied; /* the device may have returned what it never fetched, and lost track */
};

static uint8_t byte(struct run *run)
{
    if (run->left == 0) {
        return 0;
    }
    run->left--;
    return *run->data++;
}

static uint16_t word(struct run *run)
{
    return (uint16_t)(byte(run) | byte(run) << 8);
}

static void begin(struct run *run)
{
    uint8_t how = byte(run);
    struct virtq_shape shape = {
        .size = (uint16_t)(1U << (how & 7U)),
        .event_idx = (how & 0x10) != 0,
        .indirect = (how & 0x20) != 0,
        .packed = (how & 0xc0) == 0x40,
        .legacy = (how & 0xc0) == 0x80,
        .buffers_max = (how & 8) != 0 ? 0 : 14,
    };
    size_t bytes = align_up(virtq_bytes(&shape), FRAME_SIZE);

    free(run->memory);
    run->memory = aligned_alloc(FRAME_SIZE, bytes);
    ASSERT(run->memory != NULL);
    ASSERT(virtq_init(&run->vq, 0, &shape, run->memory, (uintptr_t)run->memory) == OK);
    fake_virtq_device_attach(&run->dev, &run->vq);
    run->id_count = 0;
    run->lied = false;
    for (unsigned i = 0; i < COOKIES; i++) {
        run->cookies[i] = FREE;
    }
}

static void add(struct run *run)
{
    struct virtq_buffer buffers[VIRTQ_BUFFERS_MAX];
    uint8_t shape = byte(run);
    unsigned readable = shape & 7U;
    unsigned writable = (shape >> 3) & 7U;
    uint16_t cookie = 0;
    uint32_t room = 0;
    err_t err;

    if (readable + writable == 0) {
        readable = 1;
    }
    while (run->cookies[cookie] != FREE) {
        cookie++;
        ASSERT(cookie < COOKIES);
    }
    for (unsigned i = 0; i < readable + writable; i++) {
        buffers[i].address = UINT64_C(0x1000) * (i + 1);
        buffers[i].bytes = 1U + byte(run);
        room += i >= readable ? buffers[i].bytes : 0;
    }
    err = virtq_add(&run->vq, buffers, readable, writable, cookie);
    if (err == OK) {
        run->cookies[cookie] = ADDED;
        run->writable[cookie] = room;
    } else {
        ASSERT(err == (run->vq.broken ? ERR_DEVICE : err));
        ASSERT(err == ERR_DEVICE || err == ERR_BUSY || err == ERR_RANGE);
    }
}

static void publish(struct run *run)
{
    bool broken = run->vq.broken;
    bool notify = virtq_publish(&run->vq);

    ASSERT(!broken || !notify);
    for (unsigned i = 0; i < COOKIES && !broken; i++) {
        if (run->cookies[i] == ADDED) {
            run->cookies[i] = SHOWN;
        }
    }
}

static void take(struct run *run)
{
    bool was_broken = run->vq.broken;
    uint16_t cookie;
    uint32_t bytes;
    err_t err = virtq_take(&run->vq, &cookie, &bytes);

    if (err == OK) {
        ASSERT(!was_broken && cookie < COOKIES);
        ASSERT(run->cookies[cookie] == SHOWN);
        ASSERT(bytes <= run->writable[cookie]);
        run->cookies[cookie] = FREE;
        return;
    }
    ASSERT(err == ERR_AGAIN || err == ERR_DEVICE);
    ASSERT((err == ERR_DEVICE) == run->vq.broken);
    ASSERT(!was_broken || err == ERR_DEVICE);
}

static void interrupts(struct run *run)
{
    uint16_t after = (uint16_t)(1U + byte(run) % run->vq.size);

    if ((byte(run) & 1U) != 0) {
        virtq_interrupts_off(&run->vq);
    } else if (virtq_interrupts_on(&run->vq, after)) {
        ASSERT(virtq_has_used(&run->vq));
    }
}

static void device_fetch(struct run *run)
{
    struct fake_virtq_request request;

    if (!run->lied && run->id_count < ARRAY_SIZE(run->ids) &&
        fake_virtq_device_pop(&run->dev, &request)) {
        run->ids[run->id_count++] = request.id;
    }
}

/* An honest return, in any order. */
static void device_return(struct run *run)
{
    unsigned which;

    if (run->id_count == 0) {
        return;
    }
    which = byte(run) % run->id_count;
    fake_virtq_device_push(&run->dev, run->ids[which], byte(run));
    run->ids[which] = run->ids[--run->id_count];
}

static void lie_split(struct run *run)
{
    switch (byte(run) % 6U) {
    case 0:
        run->lied = true;
        fake_virtq_device_push(&run->dev, byte(run), word(run));
        break;
    case 1:
        run->lied = true;
        fake_virtq_device_write_entry(&run->dev, byte(run), (uint32_t)word(run) << 16 | word(run),
                                      word(run));
        break;
    case 2:
        run->lied = true;
        fake_virtq_device_write_idx(&run->dev, word(run));
        break;
    case 3:
        run->lied = true;
        fake_virtq_device_write_idx(&run->dev, (uint16_t)(run->dev.used_next + byte(run) % 4U));
        break;
    case 4:
        run->dev.used->flags = word(run);
        break;
    default:
        if (run->dev.event_idx) {
            fake_virtq_device_write_avail_event(&run->dev, word(run));
        }
        break;
    }
}

static void lie_packed(struct run *run)
{
    uint16_t slot = byte(run) % run->dev.size;

    switch (byte(run) % 4U) {
    case 0:
        run->lied = true;
        fake_virtq_device_push(&run->dev, byte(run), word(run));
        break;
    case 1:
        run->lied = true;
        fake_virtq_device_write_slot(&run->dev, slot, byte(run), word(run), word(run));
        break;
    case 2: /* at the place where the driver looks, with the right flags or others */
        run->lied = true;
        fake_virtq_device_write_slot(&run->dev, run->dev.give.slot, byte(run), word(run),
                                     (byte(run) & 1U) != 0 ? 0x8080 : 0);
        break;
    default:
        fake_virtq_device_write_event(&run->dev, word(run), byte(run));
        break;
    }
}

static void device_lie(struct run *run)
{
    if (run->dev.packed) {
        lie_packed(run);
    } else {
        lie_split(run);
    }
}

static void step(struct run *run)
{
    uint8_t what = byte(run) % 16U;

    if (what < 4) {
        add(run);
    } else if (what < 6) {
        publish(run);
    } else if (what < 8) {
        take(run);
    } else if (what == 8) {
        interrupts(run);
    } else if (what < 11) {
        device_fetch(run);
    } else if (what < 13) {
        device_return(run);
    } else if (what == 13) {
        device_lie(run);
    } else if (what == 14) {
        (void)fake_virtq_device_sleep(&run->dev);
    } else if (run->vq.broken) {
        begin(run);
    }
    virtq_check(&run->vq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .data = data, .left = size };

    begin(&run);
    while (run.left != 0) {
        step(&run);
    }
    free(run.memory);
    return 0;
}
