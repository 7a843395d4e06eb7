/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap beside those of the host, with one trace: a million blocks of 16 bytes to 64 KiB (as
 * many from 16 to 32 bytes as from 32 to 64 KiB), of which a random nine tenths are freed, then
 * all; and a long run in which random blocks are replaced by others. `ours` measures libc/heap,
 * over the frame allocator and memory of this process; `host` whatever malloc() is here
 * (LD_PRELOAD). One line of figures each; tests/bench/heap_trace.sh prints the table.
 *
 * Held is what the process has resident, or for ours the frames that are not free, less what it was
 * at the start. Every page of a block is written once. Times are wall time, and those of filling
 * are mostly the host's page faults.
 */

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/memory.h"

#include "libc/heap/heap.h"
#include "mm/frame.h"
#include "tests/fakes/frame_memory.h"

#define POOL_FRAMES  (20U * AREA_FRAMES)
#define OBJECTS      1000000U
#define FREED        900000U
#define RUN_OBJECTS  100000U
#define RUN_ROUNDS   24U
#define RUN_REPLACED 400000U
#define MIB_DOUBLE   1048576.0

/* The host's allocators give memory back some time later, when they are called: jemalloc, with the
 * longest time, after 10 seconds. */
#define SETTLE_SECONDS 11
#define SETTLE_CALLS   2000U

static bool ours;
static unsigned char *objects[OBJECTS];
static uint32_t sizes[OBJECTS];
static unsigned order[OBJECTS];
static uint64_t live;
static uint64_t random_state = UINT64_C(0x9E3779B97F4A7C15);

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 16;
}

static uint32_t next_size(void)
{
    uint64_t base = UINT64_C(16) << next_random() % 12;

    return (uint32_t)(base + next_random() % base);
}

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint64_t held_bytes(void)
{
    unsigned long total = 0;
    unsigned long resident = 0;
    FILE *file;

    if (ours) {
        return (POOL_FRAMES - frame_free_count()) * FRAME_SIZE;
    }
    file = fopen("/proc/self/statm", "r");
    ASSERT(file != NULL && fscanf(file, "%lu %lu", &total, &resident) == 2);
    fclose(file);
    return resident * FRAME_SIZE;
}

static void allocate(unsigned i)
{
    uint32_t bytes = next_size();
    unsigned char *block = ours ? heap_malloc(bytes) : malloc(bytes);

    ASSERT(block != NULL);
    for (uint32_t at = 0; at < bytes; at += (uint32_t)FRAME_SIZE) {
        block[at] = (unsigned char)i;
    }
    block[bytes - 1] = (unsigned char)i;
    objects[i] = block;
    sizes[i] = bytes;
    live += bytes;
}

static void release(unsigned i)
{
    live -= sizes[i];
    if (ours) {
        heap_free(objects[i]);
    } else {
        free(objects[i]);
    }
    objects[i] = NULL;
}

static void shuffle(void)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        order[i] = i;
    }
    for (unsigned i = OBJECTS - 1; i > 0; i--) {
        unsigned other = (unsigned)(next_random() % (i + 1));
        unsigned swap = order[i];

        order[i] = order[other];
        order[other] = swap;
    }
}

/* Calls that allocators wait for to give memory back. */
static void settle(unsigned spare)
{
    sleep(ours ? 0 : SETTLE_SECONDS);
    for (unsigned i = 0; i < SETTLE_CALLS; i++) {
        allocate(spare);
        release(spare);
    }
}

static void trace(const char *name)
{
    uint64_t start;
    uint64_t most;
    uint64_t at_once;
    uint64_t later;
    uint64_t live_most;
    double before;
    double fill;
    double freed;

    shuffle();
    memset(objects, 1, sizeof(objects));
    memset(sizes, 1, sizeof(sizes));
    start = held_bytes();
    before = cpu_ns();
    for (unsigned i = 0; i < OBJECTS; i++) {
        allocate(i);
    }
    fill = (cpu_ns() - before) / OBJECTS;
    most = held_bytes() - start;
    live_most = live;
    before = cpu_ns();
    for (unsigned i = 0; i < FREED; i++) {
        release(order[i]);
    }
    freed = (cpu_ns() - before) / FREED;
    at_once = held_bytes() - start;
    settle(order[0]);
    later = held_bytes() - start;
    printf("%-12s %8.0f %9.1f %8.1f %9.1f %9.1f %8.1f %6.0f %6.0f", name, (double)most / MIB_DOUBLE,
           ((double)most / (double)live_most - 1) * 100, (1 - (double)at_once / (double)most) * 100,
           (1 - (double)later / (double)most) * 100, (1 - (double)live / (double)live_most) * 100,
           (double)later / (double)live, fill, freed);
    if (ours) {
        printf("  whole blocks free: %.1f %%", (double)(frame_reportable_count() * FRAME_SIZE) /
                                                   (double)(POOL_FRAMES * FRAME_SIZE - later) *
                                                   100);
    }
    for (unsigned i = FREED; i < OBJECTS; i++) {
        release(order[i]);
    }
    settle(order[0]);
    printf("  in the end: %.2f %%\n", (double)(held_bytes() - start) / (double)most * 100);
}

static void long_run(const char *name)
{
    uint64_t start;
    double time = 0;

    memset(objects, 1, sizeof(objects));
    memset(sizes, 1, sizeof(sizes));
    start = held_bytes();
    for (unsigned i = 0; i < RUN_OBJECTS; i++) {
        allocate(i);
    }
    printf("%-12s", name);
    for (unsigned round = 0; round < RUN_ROUNDS; round++) {
        double before = cpu_ns();

        for (unsigned i = 0; i < RUN_REPLACED; i++) {
            unsigned at = (unsigned)(next_random() % RUN_OBJECTS);

            release(at);
            allocate(at);
        }
        time += cpu_ns() - before;
        if (round % 4 == 3) {
            printf(" %6.3f", (double)(held_bytes() - start) / (double)live);
        }
    }
    printf(" %8.0f\n", time / RUN_ROUNDS / RUN_REPLACED);
}

int main(int argc, char **argv)
{
    if (argc != 4 || (strcmp(argv[1], "ours") != 0 && strcmp(argv[1], "host") != 0)) {
        fprintf(stderr, "usage: heap_trace ours|host trace|run NAME\n");
        return EXIT_FAILURE;
    }
    ours = strcmp(argv[1], "ours") == 0;
    if (ours) {
        frame_memory_start(FRAME_MEMORY_HIGH, POOL_FRAMES);
    }
    if (strcmp(argv[2], "run") == 0) {
        long_run(argv[3]);
    } else {
        trace(argv[3]);
    }
    return EXIT_SUCCESS;
}
