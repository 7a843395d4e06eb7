/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads recorded traces, from whoever recorded them: nothing in them is trusted, every mistake is
 * told with the number of its line. Both notations become one row of fields, which is then checked
 * and added. Invariant: every machine has at least one point, points are in order of time.
 */

#include "tools/ballast/sim/sim_trace.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/sim/sim_units.h"

enum field {
    FIELD_TIME,
    FIELD_MACHINE,
    FIELD_MAX,
    FIELD_USED,
    FIELD_CACHE,
    FIELD_MIN,
    FIELD_WEIGHT,
    FIELD_CLASS,
    FIELD_COUNT,
};

static const char *const field_names[FIELD_COUNT] = {
    "time", "machine", "max_mib", "used_mib", "cache_mib", "min_mib", "weight", "class",
};

#define COLUMNS_MAX  64U
#define VALUE_SIZE   SIM_TRACE_NAME_SIZE
#define MIB_MAX      ((int64_t)1 << 26) /* 64 TiB, POLICY_BYTES_MAX */
#define TIME_MAX     ((int64_t)1 << 40)
#define LINE_MAX_LEN 65536U

/* One line; an empty text is a field that is not there. */
struct row {
    char values[FIELD_COUNT][VALUE_SIZE];
};

struct reader {
    struct sim_trace *trace;
    size_t line;
    bool json;
    bool columns_known;
    size_t columns;
    enum field column_fields[COLUMNS_MAX]; /* FIELD_COUNT: ignored */
    bool started;
    int64_t first_time;
    size_t last_machine; /* rows of one machine often follow each other */
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool complain(struct reader *reader,
                                                           const char *format, ...)
{
    int used = snprintf(reader->error, reader->error_size, "line %zu: ", reader->line);
    if (used > 0 && (size_t)used < reader->error_size) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(reader->error + used, reader->error_size - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return false;
}

static bool is_missing(const struct row *row, enum field field)
{
    return row->values[field][0] == '\0';
}

/* A number without its fraction. */
static bool read_number(struct reader *reader, const struct row *row, enum field field, int64_t max,
                        int64_t *value)
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
        return complain(reader, "%s is not a number", field_names[field]);
    }
    if (*value > max) {
        return complain(reader, "%s is too large", field_names[field]);
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

static bool read_class(struct reader *reader, const struct row *row, uint32_t *class)
{
    static const char *const names[] = {
        [POLICY_GUARANTEED] = "guaranteed", [POLICY_BURST] = "burst", [POLICY_SPARE] = "spare"
    };
    *class = POLICY_BURST;
    if (is_missing(row, FIELD_CLASS)) {
        return true;
    }
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(row->values[FIELD_CLASS], names[i]) == 0) {
            *class = i;
            return true;
        }
    }
    return complain(reader, "class is neither guaranteed, burst nor spare");
}

static bool read_settings(struct reader *reader, const struct row *row,
                          struct sim_trace_machine *machine)
{
    int64_t max = 0;
    int64_t weight = POLICY_WEIGHT_DEFAULT;
    if (!read_number(reader, row, FIELD_MAX, MIB_MAX, &max)) {
        return false;
    }
    if (max < 64) {
        return complain(reader, "max_mib is below 64");
    }
    int64_t min = max / 4;
    if (!is_missing(row, FIELD_MIN) && !read_number(reader, row, FIELD_MIN, max, &min)) {
        return false;
    }
    if (!is_missing(row, FIELD_WEIGHT) &&
        !read_number(reader, row, FIELD_WEIGHT, POLICY_WEIGHT_MAX, &weight)) {
        return false;
    }
    if (weight == 0) {
        return complain(reader, "weight is 0");
    }
    machine->max = max * SIM_MIB;
    machine->min = min * SIM_MIB;
    machine->weight = (uint32_t)weight;
    return read_class(reader, row, &machine->class);
}

/* The machine of a row, added when it is new. NULL: the row is bad, or no memory. */
static struct sim_trace_machine *find_machine(struct reader *reader, const struct row *row)
{
    struct sim_trace *trace = reader->trace;
    const char *name = row->values[FIELD_MACHINE];
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
        complain(reader, "there is not enough memory for the trace");
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
        return complain(reader, "time goes back");
    }
    void *points = machine->points;
    bool room = reserve(&points, &machine->capacity, machine->count, sizeof point);
    machine->points = points;
    if (!room) {
        return complain(reader, "there is not enough memory for the trace");
    }
    machine->points[machine->count++] = point;
    return true;
}

static bool add_row(struct reader *reader, const struct row *row)
{
    int64_t time = 0;
    int64_t used = 0;
    int64_t cache = 0;
    for (enum field field = FIELD_TIME; field <= FIELD_USED; field++) {
        if (is_missing(row, field)) {
            return complain(reader, "%s is missing", field_names[field]);
        }
    }
    if (!read_number(reader, row, FIELD_TIME, TIME_MAX, &time) ||
        !read_number(reader, row, FIELD_USED, MIB_MAX, &used)) {
        return false;
    }
    if (!is_missing(row, FIELD_CACHE) && !read_number(reader, row, FIELD_CACHE, MIB_MAX, &cache)) {
        return false;
    }
    if (!reader->started) {
        reader->started = true;
        reader->first_time = time;
    }
    if (time < reader->first_time) {
        return complain(reader, "time is before that of the first line");
    }
    struct sim_trace_machine *machine = find_machine(reader, row);
    if (!machine) {
        return false;
    }
    struct sim_trace_point point = { time - reader->first_time, used * SIM_MIB, cache * SIM_MIB };
    return add_point(reader, machine, point);
}

/* ---- lines ---- */

static bool set_value(struct reader *reader, struct row *row, enum field field, const char *text,
                      size_t length)
{
    if (length >= VALUE_SIZE) {
        return complain(reader, "%s is longer than %u bytes", field_names[field], VALUE_SIZE - 1);
    }
    memcpy(row->values[field], text, length);
    row->values[field][length] = '\0';
    return true;
}

static enum field find_field(const char *name, size_t length)
{
    enum field field = FIELD_TIME;
    while (field < FIELD_COUNT && (strlen(field_names[field]) != length ||
                                   memcmp(field_names[field], name, length) != 0)) {
        field++;
    }
    return field;
}

/* The next field of a line of CSV, without blanks around it. False after the last. */
static bool next_cell(const char **text, const char *end, const char **cell, size_t *length)
{
    if (*text > end) {
        return false;
    }
    const char *comma = memchr(*text, ',', (size_t)(end - *text));
    const char *stop = comma ? comma : end;
    *cell = *text;
    *text = stop + 1;
    while (*cell < stop && (**cell == ' ' || **cell == '\t')) {
        (*cell)++;
    }
    while (stop > *cell && (stop[-1] == ' ' || stop[-1] == '\t')) {
        stop--;
    }
    *length = (size_t)(stop - *cell);
    return true;
}

static bool read_columns(struct reader *reader, const char *text, const char *end)
{
    const char *cell = NULL;
    size_t length = 0;
    unsigned seen = 0;
    while (next_cell(&text, end, &cell, &length)) {
        enum field field = find_field(cell, length);
        if (reader->columns == COLUMNS_MAX) {
            return complain(reader, "there are more than %u columns", COLUMNS_MAX);
        }
        if (field < FIELD_COUNT && (seen & 1U << field)) {
            return complain(reader, "the column %s is there twice", field_names[field]);
        }
        seen |= 1U << field;
        reader->column_fields[reader->columns++] = field;
    }
    for (enum field field = FIELD_TIME; field <= FIELD_USED; field++) {
        if (!(seen & 1U << field)) {
            return complain(reader, "the column %s is missing", field_names[field]);
        }
    }
    reader->columns_known = true;
    return true;
}

static bool read_csv(struct reader *reader, const char *text, const char *end)
{
    struct row row = { { { 0 } } };
    const char *cell = NULL;
    size_t length = 0;
    size_t column = 0;
    for (; next_cell(&text, end, &cell, &length); column++) {
        if (column == reader->columns) {
            return complain(reader, "there are more fields than columns");
        }
        enum field field = reader->column_fields[column];
        if (field < FIELD_COUNT && !set_value(reader, &row, field, cell, length)) {
            return false;
        }
    }
    if (column < reader->columns) {
        return complain(reader, "there are fewer fields than columns");
    }
    return add_row(reader, &row);
}

static bool set_json(struct reader *reader, struct row *row, enum field field, const json_t *value)
{
    char number[VALUE_SIZE];
    if (json_is_string(value)) {
        return set_value(reader, row, field, json_string_value(value), json_string_length(value));
    }
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value) && json_real_value(value) >= 0 &&
               json_real_value(value) < 1e15) {
        snprintf(number, sizeof number, "%lld", (long long)json_real_value(value));
    } else {
        return complain(reader, "%s is neither a number nor a text", field_names[field]);
    }
    return set_value(reader, row, field, number, strlen(number));
}

static bool read_json(struct reader *reader, const char *text, size_t length)
{
    json_error_t error;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return complain(reader, "it is not a JSON object");
    }
    struct row row = { { { 0 } } };
    bool good = true;
    for (enum field field = FIELD_TIME; good && field < FIELD_COUNT; field++) {
        const json_t *value = json_object_get(object, field_names[field]);
        if (value && !json_is_null(value)) {
            good = set_json(reader, &row, field, value);
        }
    }
    json_decref(object);
    return good && add_row(reader, &row);
}

static bool read_line(struct reader *reader, const char *text, const char *end)
{
    if (end > text && end[-1] == '\r') {
        end--;
    }
    if (end == text || *text == '#') {
        return true;
    }
    if ((size_t)(end - text) > LINE_MAX_LEN) {
        return complain(reader, "it is longer than %u bytes", LINE_MAX_LEN);
    }
    if (memchr(text, '\0', (size_t)(end - text))) {
        return complain(reader, "there is a zero byte in it");
    }
    if (!reader->columns_known && !reader->json && *text == '{') {
        reader->json = true;
    }
    if (reader->json) {
        return read_json(reader, text, (size_t)(end - text));
    }
    return reader->columns_known ? read_csv(reader, text, end) : read_columns(reader, text, end);
}

/* ---- the whole ---- */

struct sim_trace *sim_trace_parse(const char *text, size_t size, char *error, size_t error_size)
{
    struct reader reader = { .error = error, .error_size = error_size };
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
        reader.line++;
        good = read_line(&reader, text, stop);
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
