/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A virtqueue with a device at its other end, for unit tests, in every layout: split, legacy and
 * packed, each with and without event index and indirect descriptors. What fails is a panic.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "drivers/virtio/virtq.h"
#include "tests/fakes/fake_virtq_device.h"

struct virtq_rig {
    struct virtq_shape shape; /* of the next rig_start(), without its size */
    bool in_round;            /* between the first and the last shape of a test */
    struct virtq vq;
    struct fake_virtq_device dev;
    struct fake_virtq_request request; /* the one fetched last */
    void *memory;
};

extern struct virtq_rig rig;

/* One readable buffer of 1024 bytes. */
extern const struct virtq_buffer rig_page;

/* Goes through all shapes: `while (rig_next_shape()) { ... }`. */
bool rig_next_shape(void);

/* Chooses one; then neither event index nor indirect descriptors are on. */
void rig_split(void);
void rig_legacy(void);
void rig_packed(void);

/* A new queue of rig.shape; its device sleeps. */
void rig_start(uint16_t size);

/* The same after `start` positions have gone by, all requests taken. */
void rig_start_at(uint16_t size, uint16_t start);

/* True when a request of several buffers takes as many descriptors. */
bool rig_has_chains(void);

/* Frees the memory; has the shape of a cmocka teardown. */
int rig_teardown(void **state);

void rig_add(uint16_t cookie);
void rig_publish(void);             /* and nobody cares whether the device wants to be notified */
uint16_t rig_pop(void);             /* the id of the next request, which there is */
uint16_t rig_show(uint16_t cookie); /* adds, shows and fetches one request; its id */
uint16_t rig_newest(void);          /* the id of the request added last */

/* virtq_take(), and the queue's books balance. */
err_t rig_take(uint16_t *cookie, uint32_t *bytes);
void rig_assert_takes(uint16_t cookie);

/* The next take finds a fault: it is reported once, and the queue stays broken. */
void rig_assert_broken(void);
