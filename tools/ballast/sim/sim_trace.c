/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads recorded traces, from whoever recorded them: nothing in them is trusted, every mistake is
 * told with the number of its line. Invariant: every machine has at least one point, and points are
 * in order of time.
 */

#include "tools/ballast/sim/sim_trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/sim/sim_trace_line.h"
#include "tools/ballast/sim/sim_trace_record.h"
#include "tools/ballast/sim/sim_units.h"

#define MIB_MAX  ((int64_t)1 << 26) /* 64 TiB, POLICY_BYTES_MAX */
#define TIME_MAX ((int64_t)1 << 40)

struct reader {
    struct sim_trace *trace;
    struct sim_trace_lines lines;
    bool started;
    int64_t first_time;
    size_t last_machine;
};

static bool is_missing(const struct sim_trace_row *row, enum sim_trace_field field)
{
    return row->values[field][0] == '\0';
}

/* A number without its fraction. */
static bool read_number(struct reader *reader, const struct sim_trace_row *row,
                        enum sim_trace_field field, int64_t max, int64_t *value)
{
    const char *text = row->values[field];
    size_t digits = strspn(text, "0123456789");
    size_t length = digits;
    if (text[length] == '.') {
        length += 1 + strspn(text + length + 1, "0123456789");
    }
    *value = 0;
    for (size_t i = 0; i < digits && *value <= max; i++) {
        *value = *value * 10 + (text[i] - '0');
    }
    if (digits == 0 || text[length] != '\0') {
        return sim_trace_complain(&reader->lines, "%s is not a number",
                                  sim_trace_field_names[field]);
    }
    if (*value > max) {
        return sim_trace_complain(&reader->lines, "%s is too large", sim_trace_field_names[field]);
    }
    return true;
}

/* ---- machines and points ---- */

/* Room for one more in an array that doubles. */
static bool reserve(void **array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    size_t more = *capacity ? *capacity * 2 : 16;
    void *larger = reallocarray(*array, more, size);
    if (!larger) {
        return false;
    }
    *array = larger;
    *capacity = more;
    return true;
}

static bool read_class(struct reader *reader, const struct sim_trace_row *row, uint32_t *class)
{
    static const char *const names[] = {
        [POLICY_GUARANTEED] = "guaranteed", [POLICY_BURST] = "burst", [POLICY_SPARE] = "spare"
    };
    *class = POLICY_BURST;
    if (is_missing(row, SIM_TRACE_CLASS)) {
        return true;
    }
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(row->values[SIM_TRACE_CLASS], names[i]) == 0) {
            *class = i;
            return true;
        }
    }
    return sim_trace_complain(&reader->lines, "class is neither guaranteed, burst nor spare");
}

static bool read_settings(struct reader *reader, const struct sim_trace_row *row,
                          struct sim_trace_machine *machine)
{
    int64_t max = 0;
    int64_t weight = POLICY_WEIGHT_DEFAULT;
    if (!read_number(reader, row, SIM_TRACE_MAX, MIB_MAX, &max)) {
        return false;
    }
    if (max < 64) {
        return sim_trace_complain(&reader->lines, "max_mib is below 64");
    }
    int64_t min = max / 4;
    if (!is_missing(row, SIM_TRACE_MIN) && !read_number(reader, row, SIM_TRACE_MIN, max, &min)) {
        return false;
    }
    if (!is_missing(row, SIM_TRACE_WEIGHT) &&
        !read_number(reader, row, SIM_TRACE_WEIGHT, POLICY_WEIGHT_MAX, &weight)) {
        return false;
    }
    if (weight == 0) {
        return sim_trace_complain(&reader->lines, "weight is 0");
    }
    machine->max = max * SIM_MIB;
    machine->min = min * SIM_MIB;
    machine->weight = (uint32_t)weight;
    return read_class(reader, row, &machine->class);
}

/* The machine of a row, added when it is new. NULL: the row is bad, or no memory. */
static struct sim_trace_machine *find_machine(struct reader *reader,
                                              const struct sim_trace_row *row)
{
    struct sim_trace *trace = reader->trace;
    const char *name = row->values[SIM_TRACE_MACHINE];
    for (size_t i = 0; i < trace->count; i++) {
        /* Most recordings repeat the machines in the same order. */
        size_t place = (reader->last_machine + 1 + i) % trace->count;
        if (strcmp(trace->machines[place].name, name) == 0) {
            reader->last_machine = place;
            return &trace->machines[place];
        }
    }
    struct sim_trace_machine machine = { .count = 0 };
    snprintf(machine.name, sizeof machine.name, "%s", name);
    if (!read_settings(reader, row, &machine)) {
        return NULL;
    }
    void *machines = trace->machines;
    bool room = reserve(&machines, &trace->capacity, trace->count, sizeof machine);
    trace->machines = machines;
    if (!room) {
        sim_trace_complain(&reader->lines, "there is not enough memory for the trace");
        return NULL;
    }
    reader->last_machine = trace->count;
    trace->machines[trace->count] = machine;
    return &trace->machines[trace->count++];
}

static bool add_point(struct reader *reader, struct sim_trace_machine *machine,
                      struct sim_trace_point point)
{
    if (machine->count > 0 && machine->points[machine->count - 1].time_s > point.time_s) {
        return sim_trace_complain(&reader->lines, "time goes back");
    }
    void *points = machine->points;
    bool room = reserve(&points, &machine->capacity, machine->count, sizeof point);
    machine->points = points;
    if (!room) {
        return sim_trace_complain(&reader->lines, "there is not enough memory for the trace");
    }
    machine->points[machine->count++] = point;
    return true;
}

static bool add_row(struct reader *reader, const struct sim_trace_row *row)
{
    int64_t time = 0;
    int64_t used = 0;
    int64_t cache = 0;
    for (enum sim_trace_field field = SIM_TRACE_TIME; field <= SIM_TRACE_USED; field++) {
        if (is_missing(row, field)) {
            return sim_trace_complain(&reader->lines, "%s is missing",
                                      sim_trace_field_names[field]);
        }
    }
    if (!read_number(reader, row, SIM_TRACE_TIME, TIME_MAX, &time) ||
        !read_number(reader, row, SIM_TRACE_USED, MIB_MAX, &used)) {
        return false;
    }
    if (!is_missing(row, SIM_TRACE_CACHE) &&
        !read_number(reader, row, SIM_TRACE_CACHE, MIB_MAX, &cache)) {
        return false;
    }
    if (!reader->started) {
        reader->started = true;
        reader->first_time = time;
    }
    if (time < reader->first_time) {
        return sim_trace_complain(&reader->lines, "time is before that of the first line");
    }
    struct sim_trace_machine *machine = find_machine(reader, row);
    if (!machine) {
        return false;
    }
    struct sim_trace_point point = { time - reader->first_time, used * SIM_MIB, cache * SIM_MIB };
    return add_point(reader, machine, point);
}

/* ---- the whole ---- */

static struct sim_trace *parse_rows(const char *text, size_t size, char *error, size_t error_size)
{
    struct reader reader = { .lines = { .error = error, .error_size = error_size } };
    reader.trace = calloc(1, sizeof *reader.trace);
    if (!reader.trace) {
        snprintf(error, error_size, "there is not enough memory for the trace");
        return NULL;
    }
    const char *end = text + size;
    bool good = true;
    while (good && text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop ? stop : end;
        reader.lines.number++;
        struct sim_trace_row row;
        enum sim_trace_line line = sim_trace_line_read(&reader.lines, text, stop, &row);
        good =
            line == SIM_TRACE_LINE_SKIP || (line == SIM_TRACE_LINE_ROW && add_row(&reader, &row));
        text = stop + 1;
    }
    if (good && reader.trace->count == 0) {
        snprintf(error, error_size, "there is no machine in it");
        good = false;
    }
    if (!good) {
        sim_trace_free(reader.trace);
        return NULL;
    }
    return reader.trace;
}

struct sim_trace *sim_trace_parse(const char *text, size_t size, char *error, size_t error_size)
{
    if (!sim_trace_is_recording(text, size)) {
        return parse_rows(text, size, error, error_size);
    }
    char *rows = sim_trace_from_recording(text, size, &size, error, error_size);
    struct sim_trace *trace = rows ? parse_rows(rows, size, error, error_size) : NULL;
    free(rows);
    return trace;
}

struct sim_trace *sim_trace_load(const char *path, char *error, size_t error_size)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t capacity = 0;
    /* A trace has no zero bytes: up to the first one is the whole file. */
    ssize_t size = file ? getdelim(&text, &capacity, '\0', file) : -1;
    struct sim_trace *trace = NULL;
    if (size > 0) {
        trace = sim_trace_parse(text, (size_t)size, error, error_size);
    } else if (file && feof(file)) {
        snprintf(error, error_size, "it is empty");
    } else {
        snprintf(error, error_size, "it cannot be read: %s", strerror(errno));
    }
    free(text);
    if (file) {
        fclose(file);
    }
    return trace;
}

void sim_trace_free(struct sim_trace *trace)
{
    if (!trace) {
        return;
    }
    for (size_t i = 0; i < trace->count; i++) {
        free(trace->machines[i].points);
    }
    free(trace->machines);
    free(trace);
}
