/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Recordings: what went into the policy and what came out, period by period, as lines of JSON, so
 * that `ballast replay` can decide again and compare, and the simulator can use real demand.
 *
 * The first line holds the format's version, the settings, and what the policy remembers of host
 * and machines before the first period. Every further line is a period: time, host, each machine's
 * input and the decision. A machine that the policy sees for the first time is marked new: nothing
 * is remembered of it. Where something else than the policy changed settings or memory between two
 * periods (a reload, an adoption) a first line stands again, see recorder.h; so recordings may also
 * be appended to each other.
 *
 * Numbers are exact: POLICY_MISSING is null, and what JSON readers of 64 signed bits would refuse
 * is a string of digits. Enumerations are the words of policy_text.h.
 */

#include <jansson.h>
#include <stdio.h>

#include "tools/ballast/policy/policy.h"

#define RECORD_VERSION 1

#define RECORD_MACHINES_MAX 4096U              /* in one period; as many as the daemon watches */
#define RECORD_LINE_MAX     ((size_t)32 << 20) /* bytes; so many machines need 8 MiB */
#define RECORD_TIME_MAX     ((int64_t)1 << 53) /* ms; a recording with more is no recording */

/* A machine with its name: recordings tell machines by name. */
struct record_machine {
    const char *name;
    const struct policy_machine *machine;
};

/* The first line, from the state before a period. The text is to be given to free(). */
char *record_first(const struct policy_settings *settings,
                   const struct policy_host_memory *host_memory,
                   const struct record_machine *machines, size_t count);

/* A period's line, from the state after it. */
char *record_period(int64_t now_ms, const struct policy_host *host, const struct policy_plan *plan,
                    const struct record_machine *machines, size_t count);

/* Parts, which the API shows too. New references. Members are called as in policy.h. */
json_t *record_settings(const struct policy_settings *settings);
json_t *record_plan(const struct policy_plan *plan);
json_t *record_decision(const struct policy_decision *decision);
json_t *record_bytes(uint64_t bytes); /* null for POLICY_MISSING, and for what no memory can have */

struct record_replay {
    uint64_t periods;
    uint64_t decisions;
    uint64_t different;       /* decisions that came out otherwise, */
    uint64_t different_plans; /* and periods whose sums did */
    int64_t first_ms;
    int64_t last_ms;
};

/* Decides a recording again. Each difference is told in a line on `out` (NULL: not told). False:
 * the file is no recording, or broken at `*line`; `reason` says why. A last line that is not whole
 * (the recorder was killed) is left out and no error. */
bool record_replay(FILE *in, FILE *out, struct record_replay *result, unsigned long *line,
                   char *reason, size_t reason_size);
