/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of a trace in both notations. A line is cut into fields here; what the fields mean is
 * checked by sim_trace.c. Nothing in a line is trusted: fields and lines have a greatest length,
 * and JSON goes through a library that is made for it.
 */

#include "tools/ballast/sim/sim_trace_line.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const sim_trace_field_names[SIM_TRACE_FIELDS] = {
    "time", "machine", "max_mib", "used_mib", "cache_mib", "min_mib", "weight", "class",
};

bool sim_trace_complain(struct sim_trace_lines *lines, const char *format, ...)
{
    int used = snprintf(lines->error, lines->error_size, "line %zu: ", lines->number);
    if (used > 0 && (size_t)used < lines->error_size) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(lines->error + used, lines->error_size - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return false;
}

static bool set_value(struct sim_trace_lines *lines, struct sim_trace_row *row,
                      enum sim_trace_field field, const char *text, size_t length)
{
    if (length >= SIM_TRACE_NAME_SIZE) {
        return sim_trace_complain(lines, "%s is longer than %u bytes", sim_trace_field_names[field],
                                  SIM_TRACE_NAME_SIZE - 1);
    }
    memcpy(row->values[field], text, length);
    row->values[field][length] = '\0';
    return true;
}

static enum sim_trace_field find_field(const char *name, size_t length)
{
    enum sim_trace_field field = SIM_TRACE_TIME;
    while (field < SIM_TRACE_FIELDS && (strlen(sim_trace_field_names[field]) != length ||
                                        memcmp(sim_trace_field_names[field], name, length) != 0)) {
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

static bool read_columns(struct sim_trace_lines *lines, const char *text, const char *end)
{
    const char *cell = NULL;
    size_t length = 0;
    unsigned seen = 0;
    while (next_cell(&text, end, &cell, &length)) {
        enum sim_trace_field field = find_field(cell, length);
        if (lines->columns == SIM_TRACE_COLUMNS_MAX) {
            return sim_trace_complain(lines, "there are more than %u columns",
                                      SIM_TRACE_COLUMNS_MAX);
        }
        if (field < SIM_TRACE_FIELDS && (seen & 1U << field)) {
            return sim_trace_complain(lines, "the column %s is there twice",
                                      sim_trace_field_names[field]);
        }
        seen |= 1U << field;
        lines->column_fields[lines->columns++] = field;
    }
    for (enum sim_trace_field field = SIM_TRACE_TIME; field <= SIM_TRACE_USED; field++) {
        if (!(seen & 1U << field)) {
            return sim_trace_complain(lines, "the column %s is missing",
                                      sim_trace_field_names[field]);
        }
    }
    lines->columns_known = true;
    return true;
}

static bool read_csv(struct sim_trace_lines *lines, const char *text, const char *end,
                     struct sim_trace_row *row)
{
    const char *cell = NULL;
    size_t length = 0;
    size_t column = 0;
    for (; next_cell(&text, end, &cell, &length); column++) {
        if (column == lines->columns) {
            return sim_trace_complain(lines, "there are more fields than columns");
        }
        enum sim_trace_field field = lines->column_fields[column];
        if (field < SIM_TRACE_FIELDS && !set_value(lines, row, field, cell, length)) {
            return false;
        }
    }
    if (column < lines->columns) {
        return sim_trace_complain(lines, "there are fewer fields than columns");
    }
    return true;
}

static bool set_json(struct sim_trace_lines *lines, struct sim_trace_row *row,
                     enum sim_trace_field field, const json_t *value)
{
    char number[SIM_TRACE_NAME_SIZE];
    if (json_is_string(value)) {
        return set_value(lines, row, field, json_string_value(value), json_string_length(value));
    }
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value) && json_real_value(value) >= 0 &&
               json_real_value(value) < 1e15) {
        snprintf(number, sizeof number, "%lld", (long long)json_real_value(value));
    } else {
        return sim_trace_complain(lines, "%s is neither a number nor a text",
                                  sim_trace_field_names[field]);
    }
    return set_value(lines, row, field, number, strlen(number));
}

static bool read_json(struct sim_trace_lines *lines, const char *text, size_t length,
                      struct sim_trace_row *row)
{
    json_error_t error;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return sim_trace_complain(lines, "it is not a JSON object");
    }
    bool good = true;
    for (enum sim_trace_field field = SIM_TRACE_TIME; good && field < SIM_TRACE_FIELDS; field++) {
        const json_t *value = json_object_get(object, sim_trace_field_names[field]);
        if (value && !json_is_null(value)) {
            good = set_json(lines, row, field, value);
        }
    }
    json_decref(object);
    return good;
}

enum sim_trace_line sim_trace_line_read(struct sim_trace_lines *lines, const char *text,
                                        const char *end, struct sim_trace_row *row)
{
    *row = (struct sim_trace_row){ { { 0 } } };
    if (end > text && end[-1] == '\r') {
        end--;
    }
    if (end == text || *text == '#') {
        return SIM_TRACE_LINE_SKIP;
    }
    bool good = false;
    if ((size_t)(end - text) > SIM_TRACE_LINE_MAX) {
        sim_trace_complain(lines, "it is longer than %u bytes", SIM_TRACE_LINE_MAX);
    } else if (memchr(text, '\0', (size_t)(end - text))) {
        sim_trace_complain(lines, "there is a zero byte in it");
    } else if (lines->json || (!lines->columns_known && *text == '{')) {
        lines->json = true;
        good = read_json(lines, text, (size_t)(end - text), row);
    } else if (lines->columns_known) {
        good = read_csv(lines, text, end, row);
    } else if (read_columns(lines, text, end)) {
        return SIM_TRACE_LINE_SKIP;
    }
    return good ? SIM_TRACE_LINE_ROW : SIM_TRACE_LINE_BAD;
}
