/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Recorded traces. CSV with a first line that names the columns, or one JSON object a line with the
 * same names; lines that are empty or begin with # are skipped:
 *
 *   time       seconds, from any beginning, not falling for one machine   required
 *   machine    its name, at most 63 bytes                                 required
 *   max_mib    its RAM; the first line of a machine counts                required
 *   used_mib   what its guest used: total less available                  required
 *   cache_mib  page cache that its programs read all the time             0
 *   min_mib    guaranteed; the first line of a machine counts             a quarter of max_mib
 *   weight     1 to 50000; the first line of a machine counts             1000
 *   class      guaranteed, burst or spare; the first line counts          burst
 *
 * A recording of the daemon (`ballast record`) is a trace, too: its machines' use and settings.
 *
 * Other columns are ignored. Fields have no quotes; values are whole or decimal numbers, of which
 * the fraction is dropped.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_TRACE_NAME_SIZE 64U

struct sim_trace_point {
    int64_t time_s; /* since the first line of the trace */
    int64_t used;   /* KiB */
    int64_t cache;
};

struct sim_trace_machine {
    char name[SIM_TRACE_NAME_SIZE];
    int64_t max; /* KiB */
    int64_t min;
    uint32_t weight;
    uint32_t class; /* enum policy_class */
    size_t count;   /* at least 1 */
    size_t capacity;
    struct sim_trace_point *points; /* by time */
};

struct sim_trace {
    size_t count; /* at least 1 */
    size_t capacity;
    struct sim_trace_machine *machines; /* in the order in which they appear */
};

/* Reads a whole trace. On failure returns NULL, and writes one sentence without a full stop, with
 * the number of the bad line, to error. The caller frees the trace with sim_trace_free(). */
struct sim_trace *sim_trace_parse(const char *text, size_t size, char *error, size_t error_size);

/* The same from a file. */
struct sim_trace *sim_trace_load(const char *path, char *error, size_t error_size);

void sim_trace_free(struct sim_trace *trace);
