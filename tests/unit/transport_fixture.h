/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* One virtqueue, its memory, and the steps that all transports have in common, for their tests. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtio.h"

/* What the device is told; the memory itself is wherever malloc() had it. */
#define QUEUE_ADDRESS UINT64_C(0x123456000)

static struct virtq vq;
static void *queue_memory;

/* Room for the largest queue of any shape. */
static inline void queue_memory_alloc(void)
{
    const struct virtq_shape largest = { .size = VIRTQ_SIZE_MAX, .indirect = true, .legacy = true };

    queue_memory = aligned_alloc(FRAME_SIZE, align_up(virtq_bytes(&largest), FRAME_SIZE));
    assert_non_null(queue_memory);
}

/* Of at most `size`, as small as the device has it. */
static inline err_t queue_start_at(struct virtio_device *dev, uint16_t index, uint16_t size,
                                   paddr_t address)
{
    struct virtq_shape shape = virtio_queue_shape(dev, index, size, 0);

    return virtio_queue_start(dev, &vq, index, &shape, queue_memory, address);
}

/* The device is ready; one request is shown to it, and it wants to know. */
static inline void queue_kick(struct virtio_device *dev)
{
    struct virtq_buffer buffer = { .address = 0x1000, .bytes = 4 };

    virtio_ready(dev);
    assert_int_equal(virtq_add(&vq, &buffer, 1, 0, 0), OK);
    assert_true(virtio_kick(dev, &vq));
}

/* A legacy device knows queues by a page number of 32 bits, where 0 means none. */
static inline void queue_needs_a_page_number(struct virtio_device *dev, uint16_t size)
{
    assert_int_equal(queue_start_at(dev, 0, size, UINT64_C(1) << 44), ERR_RANGE);
    assert_int_equal(queue_start_at(dev, 0, size, 0), ERR_RANGE);
}
