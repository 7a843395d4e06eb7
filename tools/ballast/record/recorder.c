/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares what the policy remembers before a period with what it remembered behind the last one
 * that was recorded. Structures are compared member by member: what lies between members is
 * nobody's.
 */

#include "tools/ballast/record/recorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/record/record_fields.h"

/* What the policy remembers at a moment. */
struct state {
    bool known; /* else it says nothing */
    struct policy_settings settings;
    struct policy_host_memory host_memory;
    size_t count;
    char **names;
    struct policy_machine *machines; /* only their memories are filled in */
};

struct recorder {
    struct state before; /* this period */
    struct state last;   /* behind the last one that was recorded */
};

static void state_clear(struct state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        free(state->names[i]);
    }
    free(state->names);
    free(state->machines);
    *state = (struct state){ .known = false };
}

static bool state_keep(struct state *state, const struct policy_settings *settings,
                       const struct policy_host_memory *host_memory,
                       const struct record_machine *machines, size_t count)
{
    state_clear(state);
    state->settings = *settings;
    state->host_memory = *host_memory;
    state->names = calloc(count + 1, sizeof(*state->names));
    state->machines = calloc(count + 1, sizeof(*state->machines));
    if (state->names == NULL || state->machines == NULL) {
        state_clear(state);
        return false;
    }
    for (; state->count < count; state->count++) {
        state->names[state->count] = strdup(machines[state->count].name);
        if (state->names[state->count] == NULL) {
            state_clear(state);
            return false;
        }
        state->machines[state->count].memory = machines[state->count].machine->memory;
    }
    state->known = true;
    return true;
}

/* Machines keep their order, so the place of the last one is a good guess for the next. */
static const struct policy_memory *state_find(const struct state *state, const char *name,
                                              size_t *guess)
{
    for (size_t i = 0; i < state->count; i++) {
        size_t place = (*guess + i) % state->count;
        if (strcmp(state->names[place], name) == 0) {
            *guess = place + 1;
            return &state->machines[place].memory;
        }
    }
    return NULL;
}

/* Whether a replay would know, behind the last period, what this one began with. */
static bool goes_on(const struct recorder *recorder, int64_t now_ms,
                    const struct record_machine *machines, size_t count)
{
    const struct state *before = &recorder->before;
    const struct state *last = &recorder->last;
    size_t before_guess = 0;
    size_t last_guess = 0;
    if (!last->known ||
        record_difference(&record_table_settings, &before->settings, &last->settings) != NULL ||
        record_difference(&record_table_host_memory, &before->host_memory, &last->host_memory) !=
            NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (machines[i].machine->memory.seen_ms == now_ms) {
            continue; /* marked new: nothing is remembered of it */
        }
        const struct policy_memory *had = state_find(before, machines[i].name, &before_guess);
        const struct policy_memory *left = state_find(last, machines[i].name, &last_guess);
        if (had == NULL || left == NULL ||
            record_difference(&record_table_memory, had, left) != NULL) {
            return false;
        }
    }
    return true;
}

/* The first line of the state before this period. NULL: no memory. */
static char *first_line(const struct state *state)
{
    struct record_machine *list = calloc(state->count + 1, sizeof(*list));
    char *line = NULL;
    if (list != NULL) {
        for (size_t i = 0; i < state->count; i++) {
            list[i] =
                (struct record_machine){ .name = state->names[i], .machine = &state->machines[i] };
        }
        line = record_first(&state->settings, &state->host_memory, list, state->count);
    }
    free(list);
    return line;
}

struct recorder *recorder_new(void)
{
    return calloc(1, sizeof(struct recorder));
}

void recorder_free(struct recorder *recorder)
{
    if (recorder != NULL) {
        state_clear(&recorder->before);
        state_clear(&recorder->last);
        free(recorder);
    }
}

bool recorder_before(struct recorder *recorder, const struct policy_settings *settings,
                     const struct policy_host_memory *host_memory,
                     const struct record_machine *machines, size_t count)
{
    return state_keep(&recorder->before, settings, host_memory, machines, count);
}

bool recorder_after(struct recorder *recorder, int64_t now_ms, const struct policy_host *host,
                    const struct policy_plan *plan, const struct policy_host_memory *host_memory,
                    const struct record_machine *machines, size_t count,
                    struct recorder_lines *lines)
{
    struct state *before = &recorder->before;
    assert(before->known);
    *lines = (struct recorder_lines){ .again = !goes_on(recorder, now_ms, machines, count) };
    lines->first = first_line(before);
    if (lines->first == NULL ||
        !state_keep(&recorder->last, &before->settings, host_memory, machines, count)) {
        free(lines->first);
        lines->first = NULL;
        state_clear(before);
        return false;
    }
    lines->period = record_period(now_ms, host, plan, machines, count);
    state_clear(before);
    return true;
}
