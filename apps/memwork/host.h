/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What memwork needs of the machine it runs on. The guest has one (guest.c), tests have another
 * with a clock of their own. A page is 4 KiB and has a number; the machine's other users of memory
 * may run, and ask caches for pages, only inside of take() and pause() and sleep_until().
 */

#include <stdbool.h>
#include <stdint.h>

#define HOST_PAGE_BYTES 4096U
#define HOST_PAGE_WORDS (HOST_PAGE_BYTES / 8)
/* No page has this number. */
#define HOST_PAGE_NONE UINT32_MAX

struct memwork_host {
    /* Takes up to `wanted` pages that follow one another, one at least; returns how many, 0 when
     * there are none. What is in them is anybody's guess. */
    uint32_t (*take)(void *context, uint32_t wanted, uint32_t *first);
    void (*give)(void *context, uint32_t page);
    uint64_t *(*view)(void *context, uint32_t page);

    uint64_t (*free_pages)(void *context);
    /* Pages the host wants in the balloon, and pages that are there. */
    uint64_t (*balloon_target)(void *context);
    uint64_t (*balloon_actual)(void *context);

    uint64_t (*now_ns)(void *context);
    void (*sleep_until)(void *context, uint64_t at_ns);
    /* Lets others run. Called at least once for every 2 MiB of work. */
    void (*pause)(void *context);
    /* True once somebody has asked the machine to end. */
    bool (*stopped)(void *context);

    /* From now on, and until it is closed, the machine may ask cache `number` for pages, by
     * engine_can_give() and engine_give(). `name` stays. */
    void (*cache_open)(void *context, unsigned number, const char *name, unsigned cost);
    void (*cache_close)(void *context, unsigned number);

    /* One line, without its newline. */
    void (*print)(void *context, const char *line);

    void *context;
};
