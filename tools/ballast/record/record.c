/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the lines of a recording. No line depends on an earlier one: who writes them keeps nothing
 * and may begin at any period.
 */

#include "tools/ballast/record/record.h"

#include <assert.h>
#include <stdlib.h>

#include "tools/ballast/record/record_fields.h"

static json_t *written(const struct record_table *table, const void *object)
{
    json_t *json = json_object();
    if (json == NULL) {
        abort();
    }
    record_write(table, object, json);
    return json;
}

json_t *record_settings(const struct policy_settings *settings)
{
    return written(&record_table_settings, settings);
}

json_t *record_plan(const struct policy_plan *plan)
{
    return written(&record_table_plan, plan);
}

json_t *record_decision(const struct policy_decision *decision)
{
    return written(&record_table_decision, decision);
}

json_t *record_bytes(uint64_t bytes)
{
    return bytes > INT64_MAX ? json_null() : json_integer((json_int_t)bytes);
}

/* The text of a line; takes the reference. */
static char *line_of(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(json);
    if (text == NULL) {
        abort();
    }
    return text;
}

char *record_first(const struct policy_settings *settings,
                   const struct policy_host_memory *host_memory,
                   const struct record_machine *machines, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:o}", "name", machines[i].name, "memory",
                            written(&record_table_memory, &machines[i].machine->memory)));
    }
    return line_of(json_pack("{s:s, s:i, s:o, s:o, s:o}", "ballast", "recording", "version",
                             RECORD_VERSION, "settings", record_settings(settings), "host_memory",
                             written(&record_table_host_memory, host_memory), "machines", list));
}

static json_t *machine_of(const struct record_machine *entry, int64_t now_ms)
{
    const struct policy_machine *machine = entry->machine;
    json_t *json = json_pack("{s:s}", "name", entry->name);
    assert(json != NULL); /* names are valid, see config_name_valid() */
    record_write(&record_table_machine, machine, json);
    json_object_set_new(json, "new", json_boolean(machine->memory.seen_ms == now_ms));
    json_object_set_new(json, "sample", written(&record_table_sample, &machine->sample));
    json_object_set_new(json, "decision", record_decision(&machine->decision));
    return json;
}

char *record_period(int64_t now_ms, const struct policy_host *host, const struct policy_plan *plan,
                    const struct record_machine *machines, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, machine_of(&machines[i], now_ms));
    }
    return line_of(json_pack("{s:I, s:o, s:o, s:o}", "now_ms", (json_int_t)now_ms, "host",
                             written(&record_table_host, host), "plan", record_plan(plan),
                             "machines", list));
}
