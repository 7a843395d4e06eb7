/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * From what a backend read of a machine to its facts, in the same way for every backend: sizes with
 * their times, statistics with their stamp, and what the kernel tells of the machine's process.
 *
 * A backend looks at a machine now and then: it takes the statistics, then the size, and ends the
 * look. Between two looks it may learn sizes from events. Times are milliseconds of the monotonic
 * clock, wall times since 1970. Pure but for reading_silent(); for one thread each.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tools/ballast/fleet/facts.h"
#include "tools/ballast/host/host.h"

/* ---- sizes and statistics ---- */

/* What is remembered of a machine from look to look. All zero: nothing yet. */
struct reading {
    uint64_t stamp_s;       /* of the newest statistics; 0: none were ever sent */
    int64_t looked_ms;      /* the last look at statistics; 0: none */
    uint64_t newest_bytes;  /* its size; 0: not known */
    uint64_t largest_bytes; /* of all sizes since the last look ended */
    bool open;              /* the newest statistics are of this look */
    /* A target that was sent a moment ago, where sizes are told late; 0: none. */
    uint64_t target_bytes;
    int64_t target_ms;
};

/* The guest's statistics as they were read. What is not told is POLICY_MISSING. */
struct reading_statistics {
    uint64_t stamp_s; /* when they were sent; 0: never. Missing: nobody can tell now */
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t available_bytes;
    uint64_t caches_bytes;
    uint64_t swap_in_bytes;
    uint64_t swap_out_bytes;
    uint64_t major_faults;
    uint64_t minor_faults;
    uint64_t alloc_stalls;
    uint64_t oom_kills;
};

/* What the clocks say: `same_clock` when the stamps are of this host's wall clock. */
struct reading_time {
    int64_t now_ms;
    int64_t wall_ms;
    bool same_clock;
};

/* A size, POLICY_MISSING for one that is not known now. Never more than facts->ram_bytes. */
void reading_size(struct reading *reading, struct facts *facts, uint64_t bytes);

/* Where sizes are told late: a target that was just sent may be the size already. */
void reading_target(struct reading *reading, uint64_t bytes, int64_t now_ms);

/* Statistics. Ones that were taken before keep their age. */
void reading_statistics(struct reading *reading, struct facts *facts,
                        const struct reading_statistics *statistics,
                        const struct reading_time *time);

/* Ends a look. */
void reading_end(struct reading *reading);

/* Another device: what was known of the last one's statistics is forgotten. */
void reading_anew(struct reading *reading, struct facts *facts);

/* ---- the process ---- */

/* What is known of a machine's process, from the walks and glances so far. */
struct reading_process {
    uint64_t resident_bytes; /* of RAM */
    uint64_t overhead_bytes; /* beside RAM; POLICY_MISSING before the first walk */
    uint64_t swapped_bytes;
    bool locked;
    bool huge_pages;
    bool pinned; /* it has an assigned device open */
};

/* Nothing is known. */
void reading_process_clear(struct reading_process *process);

/* A walk over its mappings: `seen` by host_process_read(). */
void reading_walk(struct reading_process *process, const struct host_process *seen,
                  uint64_t ram_bytes);

/* A glance between two walks: `seen` by host_process_glance(). What lies beside the RAM is taken as
 * unchanged. */
void reading_glance(struct reading_process *process, const struct host_process *seen,
                    uint64_t ram_bytes);

/* What the process of a machine holds whose monitor is silent, as the kernel tells it now: sets
 * resident_bytes and swapped_bytes of its last facts. Cheap. Both are POLICY_MISSING where that
 * cannot be told. */
void reading_silent(const struct host_source *source, struct facts *facts);
