/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decides a recording again and compares. The state goes on from what was decided here, not from
 * the recording, so that one difference shows what it leads to.
 *
 * The file may have been made by anybody: everything that policy_decide() asserts of its caller is
 * checked before the call.
 */

#include "tools/ballast/record/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy_text.h"
#include "tools/ballast/record/record_fields.h"

/* What is remembered of the machines between two periods. */
struct known {
    char *name;
    struct policy_memory memory;
};

struct replay {
    bool begun;
    struct policy_settings settings;
    struct policy_host_memory host_memory;
    struct known *known;
    size_t known_count;
    FILE *out;
    struct record_replay *result;
    char *reason;
    size_t reason_size;
};

/* One period as it was read: machines and decisions belong together by index. */
struct period {
    int64_t now_ms;
    struct policy_host host;
    struct policy_plan plan;
    size_t count;
    struct policy_machine *machines;
    struct policy_decision *decisions;
    struct known *next; /* names now, memory when it is over */
};

static bool broken(struct replay *replay, const char *text)
{
    (void)snprintf(replay->reason, replay->reason_size, "%s", text);
    return false;
}

static void known_free(struct known *known, size_t count)
{
    for (size_t i = 0; known != NULL && i < count; i++) {
        free(known[i].name);
    }
    free(known);
}

/* ---- the first line ---- */

static bool read_known(struct replay *replay, const json_t *from, struct known *into)
{
    const char *name = json_string_value(json_object_get(from, "name"));
    if (name == NULL) {
        return broken(replay, "a machine without a name");
    }
    into->name = strdup(name);
    if (into->name == NULL) {
        return broken(replay, "there is not enough memory");
    }
    if (!record_read(&record_table_memory, json_object_get(from, "memory"), &into->memory,
                     replay->reason, replay->reason_size)) {
        return false;
    }
    if (into->memory.slot >= POLICY_DEMAND_SLOTS) {
        return broken(replay, "\"slot\" in \"memory\" is no possible value");
    }
    return true;
}

static bool replay_first(struct replay *replay, const json_t *line)
{
    const json_t *machines = json_object_get(line, "machines");
    size_t count = json_array_size(machines);
    if (json_integer_value(json_object_get(line, "version")) != RECORD_VERSION) {
        return broken(replay, "it is a recording of another version");
    }
    if (!json_is_array(machines) || count > RECORD_MACHINES_MAX) {
        return broken(replay, "\"machines\" is no list, or too long");
    }
    if (!record_read(&record_table_settings, json_object_get(line, "settings"), &replay->settings,
                     replay->reason, replay->reason_size) ||
        !record_read(&record_table_host_memory, json_object_get(line, "host_memory"),
                     &replay->host_memory, replay->reason, replay->reason_size)) {
        return false;
    }
    const char *fault = policy_settings_fault(&replay->settings);
    if (fault != NULL) {
        return broken(replay, fault);
    }
    known_free(replay->known, replay->known_count);
    replay->known = calloc(count + 1, sizeof(*replay->known));
    replay->known_count = replay->known == NULL ? 0 : count;
    if (replay->known == NULL) {
        return broken(replay, "there is not enough memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_known(replay, json_array_get(machines, i), &replay->known[i])) {
            return false;
        }
    }
    replay->begun = true;
    return true;
}

/* ---- a period ---- */

/* Machines keep their order from period to period, so the place of the last one is a good guess. */
static const struct policy_memory *find_memory(const struct replay *replay, const char *name,
                                               size_t guess)
{
    for (size_t i = 0; i < replay->known_count; i++) {
        const struct known *known = &replay->known[(guess + i) % replay->known_count];
        if (strcmp(known->name, name) == 0) {
            return &known->memory;
        }
    }
    return NULL;
}

static bool possible_machine(struct replay *replay, const struct policy_machine *machine,
                             const struct policy_machine *before)
{
    if (machine->max_bytes == 0 || machine->max_bytes > POLICY_BYTES_MAX ||
        machine->min_bytes > machine->max_bytes) {
        return broken(replay, "a machine's minimum and maximum are impossible");
    }
    if (machine->weight < 1 || machine->weight > POLICY_WEIGHT_MAX) {
        return broken(replay, "a machine's weight is impossible");
    }
    if (before != NULL && before->id >= machine->id) {
        return broken(replay, "the machines are not in the order of their ids");
    }
    return true;
}

static bool read_machine(struct replay *replay, const json_t *from, struct period *period, size_t i)
{
    struct policy_machine *machine = &period->machines[i];
    const char *name = json_string_value(json_object_get(from, "name"));
    const json_t *is_new = json_object_get(from, "new");
    const struct policy_memory *memory;
    if (name == NULL || !json_is_boolean(is_new)) {
        return broken(replay, "a machine without \"name\" or \"new\"");
    }
    period->next[i].name = strdup(name);
    if (period->next[i].name == NULL) {
        return broken(replay, "there is not enough memory");
    }
    if (!record_read(&record_table_machine, from, machine, replay->reason, replay->reason_size) ||
        !record_read(&record_table_sample, json_object_get(from, "sample"), &machine->sample,
                     replay->reason, replay->reason_size) ||
        !record_read(&record_table_decision, json_object_get(from, "decision"),
                     &period->decisions[i], replay->reason, replay->reason_size) ||
        !possible_machine(replay, machine, i == 0 ? NULL : machine - 1)) {
        return false;
    }
    memory = json_is_true(is_new) ? NULL : find_memory(replay, name, i);
    if (memory == NULL && !json_is_true(is_new)) {
        return broken(replay, "a machine that is not new was not there before");
    }
    if (memory != NULL) {
        machine->memory = *memory;
    }
    return true;
}

static bool read_period(struct replay *replay, const json_t *line, struct period *period)
{
    const json_t *machines = json_object_get(line, "machines");
    const json_t *now = json_object_get(line, "now_ms");
    if (!json_is_array(machines) || json_array_size(machines) > RECORD_MACHINES_MAX) {
        return broken(replay, "\"machines\" is no list, or too long");
    }
    period->now_ms = json_integer_value(now);
    if (period->now_ms <= 0 || period->now_ms > RECORD_TIME_MAX) {
        return broken(replay, "\"now_ms\" is missing or impossible");
    }
    if (!record_read(&record_table_host, json_object_get(line, "host"), &period->host,
                     replay->reason, replay->reason_size) ||
        !record_read(&record_table_plan, json_object_get(line, "plan"), &period->plan,
                     replay->reason, replay->reason_size)) {
        return false;
    }
    if (period->host.total_bytes > POLICY_BYTES_MAX) {
        return broken(replay, "\"total_bytes\" in \"host\" is no possible value");
    }
    size_t count = json_array_size(machines);
    period->machines = calloc(count + 1, sizeof(*period->machines));
    period->decisions = calloc(count + 1, sizeof(*period->decisions));
    period->next = calloc(count + 1, sizeof(*period->next));
    if (period->machines == NULL || period->decisions == NULL || period->next == NULL) {
        return broken(replay, "there is not enough memory");
    }
    period->count = count;
    for (size_t i = 0; i < count; i++) {
        if (!read_machine(replay, json_array_get(machines, i), period, i)) {
            return false;
        }
    }
    return true;
}

/* ---- deciding and comparing ---- */

static void tell(struct replay *replay, const struct period *period, size_t i, const char *member)
{
    const struct policy_decision *before = &period->decisions[i];
    const struct policy_decision *now = &period->machines[i].decision;
    char was[POLICY_SIZE_TEXT];
    char is[POLICY_SIZE_TEXT];
    if (replay->out != NULL) {
        (void)fprintf(
            replay->out, "%" PRId64 " ms: %s: recorded %s (%s, %s), now %s (%s, %s); first in %s\n",
            period->now_ms, period->next[i].name, policy_size_text(before->target_bytes, was),
            policy_reason_name(before->reason), policy_hold_name(before->hold),
            policy_size_text(now->target_bytes, is), policy_reason_name(now->reason),
            policy_hold_name(now->hold), member);
    }
}

static void compare(struct replay *replay, struct period *period, const struct policy_plan *plan)
{
    struct record_replay *result = replay->result;
    const char *member = record_difference(&record_table_plan, &period->plan, plan);
    if (member != NULL) {
        result->different_plans++;
        if (replay->out != NULL) {
            (void)fprintf(replay->out, "%" PRId64 " ms: the host's %s is another\n", period->now_ms,
                          member);
        }
    }
    for (size_t i = 0; i < period->count; i++) {
        member = record_difference(&record_table_decision, &period->decisions[i],
                                   &period->machines[i].decision);
        if (member != NULL) {
            result->different++;
            tell(replay, period, i, member);
        }
        period->next[i].memory = period->machines[i].memory;
    }
    result->periods++;
    result->decisions += period->count;
    result->first_ms = result->periods == 1 ? period->now_ms : result->first_ms;
    result->last_ms = period->now_ms;
}

static bool replay_period(struct replay *replay, const json_t *line)
{
    struct period period = { .count = 0 };
    bool good = read_period(replay, line, &period);
    if (good) {
        struct policy_plan plan;
        memset(&plan, 0, sizeof(plan));
        policy_decide(&replay->settings, &period.host, &replay->host_memory, period.machines,
                      period.count, period.now_ms, &plan);
        compare(replay, &period, &plan);
        known_free(replay->known, replay->known_count);
        replay->known = period.next;
        replay->known_count = period.count;
    } else {
        known_free(period.next, period.count);
    }
    free(period.machines);
    free(period.decisions);
    return good;
}

/* ---- the file ---- */

enum line_end {
    LINE_WHOLE,
    LINE_CUT,  /* the file ends without a line end */
    LINE_NONE, /* the file ends */
    LINE_LONG,
};

struct line {
    char *text;
    size_t size;
    size_t room;
};

static enum line_end read_line(FILE *in, struct line *line)
{
    int byte;
    line->size = 0;
    while ((byte = getc_unlocked(in)) != EOF && byte != '\n') {
        if (line->size >= RECORD_LINE_MAX) {
            return LINE_LONG;
        }
        if (line->size == line->room) {
            size_t room = line->room == 0 ? 4096 : 2 * line->room;
            char *text = realloc(line->text, room);
            if (text == NULL) {
                return LINE_LONG;
            }
            line->text = text;
            line->room = room;
        }
        line->text[line->size++] = (char)byte;
    }
    if (byte == '\n') {
        return LINE_WHOLE;
    }
    return line->size == 0 ? LINE_NONE : LINE_CUT;
}

static bool replay_line(struct replay *replay, const json_t *line)
{
    if (json_is_object(line) && json_object_get(line, "ballast") != NULL) {
        return replay_first(replay, line);
    }
    if (!replay->begun) {
        return broken(replay, "this is no recording of ballast: its first line is another");
    }
    return replay_period(replay, line);
}

static bool replay_lines(struct replay *replay, FILE *in, struct line *line, unsigned long *number)
{
    for (*number = 1;; (*number)++) {
        json_error_t error;
        enum line_end end = read_line(in, line);
        if (end == LINE_LONG) {
            return broken(replay, "the line is too long");
        }
        if (end == LINE_NONE) {
            return replay->begun ? true : broken(replay, "the recording is empty");
        }
        json_t *json = line->size == 0
                           ? NULL
                           : json_loadb(line->text, line->size, JSON_REJECT_DUPLICATES, &error);
        if (json == NULL && end == LINE_CUT && replay->begun) {
            return true; /* the recorder was killed in the middle of its last line */
        }
        if (json == NULL) {
            return broken(replay, line->size == 0 ? "the line is empty" : error.text);
        }
        bool good = replay_line(replay, json);
        json_decref(json);
        if (!good) {
            return false;
        }
    }
}

bool record_replay(FILE *in, FILE *out, struct record_replay *result, unsigned long *line,
                   char *reason, size_t reason_size)
{
    struct replay replay = {
        .out = out, .result = result, .reason = reason, .reason_size = reason_size
    };
    struct line text = { .size = 0 };
    memset(result, 0, sizeof(*result));
    if (reason_size > 0) {
        reason[0] = '\0';
    }
    bool good = replay_lines(&replay, in, &text, line);
    known_free(replay.known, replay.known_count);
    free(text.text);
    return good;
}
