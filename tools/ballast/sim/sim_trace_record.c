/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording of the daemon (`ballast record`) as a trace: each machine's use in each period, with
 * the settings of its first one. What was decided is left out, for that is what is simulated anew.
 * A machine whose use was not known in a period has no point there. Names that could be taken for
 * something else in the trace are refused; everything else is checked where traces are read.
 */

#include "tools/ballast/sim/sim_trace_record.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *parse_line(const char *text, const char *end)
{
    return json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, NULL);
}

static const char *line_end(const char *text, const char *end)
{
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    return stop ? stop : end;
}

static bool is_first(const json_t *line)
{
    const char *kind = json_string_value(json_object_get(line, "ballast"));
    return kind != NULL && strcmp(kind, "recording") == 0;
}

bool sim_trace_is_recording(const char *text, size_t size)
{
    if (size == 0 || *text != '{') {
        return false;
    }
    json_t *line = parse_line(text, line_end(text, text + size));
    bool recording = is_first(line);
    json_decref(line);
    return recording;
}

/* In whole MiB; below 0 where it is not known. */
static int64_t mib(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (int64_t)(json_integer_value(value) >> 20)
               : -1;
}

/* NULL: good. */
static const char *put_machine(FILE *out, int64_t time_s, const json_t *machine)
{
    const char *name = json_string_value(json_object_get(machine, "name"));
    const char *class = json_string_value(json_object_get(machine, "class"));
    const json_t *weight = json_object_get(machine, "weight");
    const int64_t used = mib(json_object_get(machine, "decision"), "used_bytes");
    const int64_t max = mib(machine, "max_bytes");
    const int64_t min = mib(machine, "min_bytes");
    if (name == NULL || class == NULL || max < 0 || min < 0 || !json_is_integer(weight)) {
        return "a machine lacks its name or settings";
    }
    if (*name == '\0' || *name == '#' || strpbrk(name, ", \t\r\n") != NULL ||
        strpbrk(class, ", \t\r\n") != NULL) {
        return "a machine's name or class is none";
    }
    if (used >= 0) {
        (void)fprintf(out, "%" PRId64 ",%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%lld,%s\n", time_s,
                      name, max, used, min, (long long)json_integer_value(weight), class);
    }
    return NULL;
}

/* NULL: good. */
static const char *put_line(FILE *out, const json_t *line)
{
    const json_t *now = json_object_get(line, "now_ms");
    const json_t *machines = json_object_get(line, "machines");
    const json_t *machine;
    const char *fault = NULL;
    size_t i;
    if (is_first(line)) {
        return NULL;
    }
    if (!json_is_integer(now) || json_integer_value(now) < 0 || !json_is_array(machines)) {
        return "it is no period of a recording";
    }
    json_array_foreach(machines, i, machine)
    {
        fault = put_machine(out, (int64_t)json_integer_value(now) / 1000, machine);
        if (fault != NULL) {
            break;
        }
    }
    return fault;
}

static bool put_all(FILE *out, const char *text, const char *end, char *error, size_t error_size)
{
    size_t number = 1;
    (void)fputs("time,machine,max_mib,used_mib,min_mib,weight,class\n", out);
    for (const char *stop; text < end; text = stop + 1, number++) {
        stop = line_end(text, end);
        json_t *line = parse_line(text, stop);
        if (line == NULL && stop == end) {
            break; /* the recorder was killed while it wrote its last line */
        }
        const char *fault = put_line(out, line);
        json_decref(line);
        if (fault != NULL) {
            snprintf(error, error_size, "line %zu: %s", number, fault);
            return false;
        }
    }
    return true;
}

char *sim_trace_from_recording(const char *text, size_t size, size_t *trace_size, char *error,
                               size_t error_size)
{
    char *trace = NULL;
    FILE *out = open_memstream(&trace, trace_size);
    bool good = out != NULL && put_all(out, text, text + size, error, error_size);
    bool lost = out == NULL || ferror(out) != 0;
    lost = (out != NULL && fclose(out) != 0) || lost;
    if (lost) {
        snprintf(error, error_size, "there is not enough memory for the trace");
    }
    if (!good || lost) {
        free(trace);
        return NULL;
    }
    return trace;
}
