/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The heap over a pool of frames of its own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <errno.h>

#include "base/assert.h"
#include "base/bits.h"
#include "libc/heap/heap.h"
#include "mm/frame.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/frame_memory.h"
#include "tests/fakes/model_heap.h"

#define POOL_FRAMES   32768U
#define OBJECTS       20000U
#define STATUS_CAUGHT 42
#define STATUS_MISSED 43

static struct model_heap model;
static unsigned char *objects[OBJECTS];
static uint64_t random_state;

static inline uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 16;
}

/* From 16 bytes to 64 KiB, as many between 16 and 32 as between 32 and 64 KiB. */
static inline size_t next_size(void)
{
    size_t base = (size_t)16 << next_random() % 12;

    return base + next_random() % base;
}

static inline int start(void **state)
{
    (void)state;
    random_state = UINT64_C(0x9E3779B97F4A7C15);
    model = (struct model_heap){ .count = 0 };
    frame_memory_start(FRAME_MEMORY_LOW, POOL_FRAMES);
    return 0;
}

/* Every test ends with an empty heap, and then nothing may be held. */
static inline int stop(void **state)
{
    struct heap_stats stats = heap_stats();

    (void)state;
    assert_int_equal(stats.blocks, 0);
    assert_int_equal(stats.frames, 0);
    assert_int_equal(stats.meta_frames, 0);
    assert_int_equal(frame_free_count(), POOL_FRAMES);
    frame_check();
    frame_memory_stop();
    return 0;
}

static inline uint64_t held(void)
{
    struct heap_stats stats = heap_stats();

    assert_int_equal(stats.frames + stats.meta_frames, POOL_FRAMES - frame_free_count());
    return stats.frames + stats.meta_frames;
}

static inline size_t fill_objects(size_t (*size)(void))
{
    size_t sum = 0;

    for (unsigned i = 0; i < OBJECTS; i++) {
        size_t bytes = size();

        objects[i] = heap_malloc(bytes);
        assert_non_null(objects[i]);
        memset(objects[i], (int)i, bytes);
        sum += bytes;
    }
    return sum;
}

static inline void shuffle_objects(void)
{
    for (unsigned i = OBJECTS - 1; i > 0; i--) {
        unsigned other = (unsigned)(next_random() % (i + 1));
        unsigned char *swap = objects[i];

        objects[i] = objects[other];
        objects[other] = swap;
    }
}

static inline void free_objects(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        heap_free(objects[i]);
    }
}
