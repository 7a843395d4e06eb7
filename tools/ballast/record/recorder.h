/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Watches over a recording that is being made: a line of a period says nothing of what the policy
 * remembers, for that follows from the period before. Where it does not (the settings were read
 * again, a machine was adopted, one that stood still is back, a period was left out) the recording
 * needs a first line again, or its replay would differ. This is found by comparing, so that nobody
 * who changes something has to think of recordings.
 */

#include "tools/ballast/record/record.h"

struct recorder;

/* NULL: no memory. */
struct recorder *recorder_new(void);
void recorder_free(struct recorder *recorder); /* NULL is allowed */

/* Just before a period: keeps the state that a first line needs. Names are copied. False: there is
 * no memory, and this period cannot be recorded. */
bool recorder_before(struct recorder *recorder, const struct policy_settings *settings,
                     const struct policy_host_memory *host_memory,
                     const struct record_machine *machines, size_t count);

/* Just behind it, with the machines that were decided on, in the same order: the lines of this
 * period, to be given to free(). */
struct recorder_lines {
    char *first;  /* for who begins to record with this period, */
    char *period; /* and for everybody */
    bool again;   /* `first` is for everybody, too */
};
/* False: there is no memory, and no line. */
bool recorder_after(struct recorder *recorder, int64_t now_ms, const struct policy_host *host,
                    const struct policy_plan *plan, const struct policy_host_memory *host_memory,
                    const struct record_machine *machines, size_t count,
                    struct recorder_lines *lines);
