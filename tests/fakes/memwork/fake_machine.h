/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A machine for apps/memwork: a pool of pages, a clock that moves when somebody waits or works, a
 * balloon that follows its target as far as pages are free or caches give, and a memory for what
 * was printed. Tests change the target and spoil memory at chosen times, and end the machine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/memwork/engine.h"

#define FAKE_MACHINE_PAGES_MAX  8192U
#define FAKE_MACHINE_EVENTS_MAX 8U
#define FAKE_MACHINE_LINES_MAX  128U
#define FAKE_MS                 UINT64_C(1000000)

struct fake_event {
    uint64_t at_ns;
    void (*happen)(void);
};

struct fake_machine {
    struct memwork_host host;
    struct engine engine;
    uint64_t *memory; /* pages * 512 words */
    uint8_t used[FAKE_MACHINE_PAGES_MAX];
    uint32_t pages;
    uint32_t free;
    uint32_t run_max; /* most pages that one take gets */
    uint64_t now_ns;
    uint64_t target;
    uint64_t actual;
    uint64_t calls_left; /* host calls until it is stopped; UINT64_MAX: never */
    bool cache_is_open[ENGINE_REGIONS_MAX];
    unsigned cache_cost[ENGINE_REGIONS_MAX];
    struct fake_event events[FAKE_MACHINE_EVENTS_MAX];
    unsigned events_count;
    char lines[FAKE_MACHINE_LINES_MAX][ENGINE_LINE_MAX + 1]; /* the first ones */
    size_t lines_count;                                      /* all of them */
};

extern struct fake_machine fake_machine;

void fake_machine_start(uint32_t pages);

/* Nothing may be left in use; frees the pool. */
void fake_machine_end(void);

/* Parses and runs a script: what engine_end() says. */
int fake_machine_run(const char *script);

/* The same without the end. False: an error. */
bool fake_machine_step(const char *script);

void fake_machine_at(uint64_t ms, void (*happen)(void));
void fake_machine_set_target(uint64_t pages);

/* Line `index` holds `text`. */
bool fake_machine_said(size_t index, const char *text);
/* Some line does. */
bool fake_machine_ever_said(const char *text);
const char *fake_machine_last_line(void);

/* A bit of memory changes. */
void fake_machine_flip(uint32_t page, unsigned word, unsigned bit);
