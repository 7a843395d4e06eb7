/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Benchmark of the page-frame allocator on the host: one thread, no sanitizer, memory that does not
 * exist. For every order: *bulk* allocates many and then frees them in the same order, *random*
 * frees them shuffled, *repeat* allocates and frees one at a time with other memory in use. Prints
 * nanoseconds per call, the best of several rounds, and the size of the metadata.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/bits.h"
#include "mm/frame.h"

#define MEMORY_GIB 16U
#define ROUNDS     7
#define BULK_MAX   65536U
#define REPEATS    200000U

struct timing {
    double alloc;
    double free;
    double random_free;
    double repeat; /* a pair: one allocation and one free */
};

static pfn_t allocated[BULK_MAX];

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double best(double so_far, double sample)
{
    return so_far == 0 || sample < so_far ? sample : so_far;
}

static pfn_t alloc_one(unsigned order)
{
    pfn_t first = PFN_NONE;

    if (order == 0) {
        return frame_alloc();
    }
    return frame_alloc_order(order, &first) == OK ? first : PFN_NONE;
}

static void free_one(pfn_t first, unsigned order)
{
    if (order == 0) {
        frame_free(first);
    } else {
        frame_free_order(first, order);
    }
}

/* Fisher and Yates, with a fixed sequence of random numbers. */
static void shuffle(unsigned count)
{
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);

    for (unsigned i = count - 1; i > 0; i--) {
        unsigned other;
        pfn_t swap = allocated[i];

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        other = (unsigned)((random >> 32) % ((uint64_t)i + 1));
        allocated[i] = allocated[other];
        allocated[other] = swap;
    }
}

static void time_bulk(unsigned order, unsigned count, bool shuffled, struct timing *timing)
{
    double start = now_ns();
    double middle;
    double stop;

    for (unsigned i = 0; i < count; i++) {
        allocated[i] = alloc_one(order);
    }
    middle = now_ns();
    ASSERT(allocated[count - 1] != PFN_NONE);
    timing->alloc = best(timing->alloc, (middle - start) / count);
    if (shuffled) {
        shuffle(count);
    }
    start = now_ns();
    for (unsigned i = 0; i < count; i++) {
        free_one(allocated[i], order);
    }
    stop = now_ns();
    if (shuffled) {
        timing->random_free = best(timing->random_free, (stop - start) / count);
    } else {
        timing->free = best(timing->free, (stop - start) / count);
    }
}

static void time_repeat(unsigned order, struct timing *timing)
{
    /* Keeps a block partly used, as any running program does. */
    pfn_t pin = frame_alloc();
    double start = now_ns();

    for (unsigned i = 0; i < REPEATS; i++) {
        free_one(alloc_one(order), order);
    }
    timing->repeat = best(timing->repeat, (now_ns() - start) / REPEATS);
    frame_free(pin);
}

static void time_order(unsigned order)
{
    uint64_t fitting = frame_free_count() >> order;
    unsigned count = (unsigned)min_u64(BULK_MAX, fitting);
    struct timing timing = { 0 };

    for (unsigned round = 0; round < ROUNDS; round++) {
        time_bulk(order, count, false, &timing);
        time_bulk(order, count, true, &timing);
        time_repeat(order, &timing);
    }
    printf("%5u %8u %8.1f %8.1f %12.1f %12.1f\n", order, count, timing.alloc, timing.free,
           timing.random_free, timing.repeat);
}

int main(void)
{
    /* From one gigibyte on, so that the largest orders are aligned to the range. */
    static const struct frame_range range = { AREA_FRAMES, MEMORY_GIB * AREA_FRAMES };
    size_t bytes = frame_metadata_bytes(range.first + range.count);
    void *metadata = aligned_alloc(64, bytes);
    double start = now_ns();

    if (metadata == NULL || frame_init(metadata, bytes, &range, 1, true) != OK) {
        fprintf(stderr, "no memory for the metadata\n");
        return EXIT_FAILURE;
    }
    printf("start of %u GiB: %.0f ns\n", MEMORY_GIB, now_ns() - start);
    printf("metadata per GiB: %zu bytes\n\n", frame_metadata_bytes(AREA_FRAMES));
    printf("nanoseconds per call, best of %d\n", ROUNDS);
    printf("order    count    alloc     free  random free  repeat pair\n");
    for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
        time_order(order);
    }
    frame_check();
    ASSERT(frame_free_count() == range.count);
    free(metadata);
    return EXIT_SUCCESS;
}
