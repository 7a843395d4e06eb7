/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * One line of a recorded trace, in CSV or as a JSON object, as a row of named fields.
 */

#include <stdbool.h>
#include <stddef.h>

#include "tools/ballast/sim/sim_trace.h"

enum sim_trace_field {
    SIM_TRACE_TIME,
    SIM_TRACE_MACHINE,
    SIM_TRACE_MAX,
    SIM_TRACE_USED, /* up to here required */
    SIM_TRACE_CACHE,
    SIM_TRACE_MIN,
    SIM_TRACE_WEIGHT,
    SIM_TRACE_CLASS,
    SIM_TRACE_FIELDS,
};

#define SIM_TRACE_COLUMNS_MAX 64U
#define SIM_TRACE_LINE_MAX    65536U

extern const char *const sim_trace_field_names[SIM_TRACE_FIELDS];

/* An empty text is a field that is not there. */
struct sim_trace_row {
    char values[SIM_TRACE_FIELDS][SIM_TRACE_NAME_SIZE];
};

/* Reads lines one after another; all zero but for the error at the start. */
struct sim_trace_lines {
    size_t number; /* of the line at hand, from 1 on; the caller counts */
    bool json;
    bool columns_known;
    size_t columns;
    enum sim_trace_field column_fields[SIM_TRACE_COLUMNS_MAX]; /* SIM_TRACE_FIELDS: ignored */
    char *error;
    size_t error_size;
};

enum sim_trace_line {
    SIM_TRACE_LINE_BAD, /* the error says why */
    SIM_TRACE_LINE_SKIP,
    SIM_TRACE_LINE_ROW,
};

/* Writes "line N: " and the text to the error; returns false. */
__attribute__((format(printf, 2, 3))) bool sim_trace_complain(struct sim_trace_lines *lines,
                                                              const char *format, ...);

/* One line, without its line feed; fills in *row when there is one. */
enum sim_trace_line sim_trace_line_read(struct sim_trace_lines *lines, const char *text,
                                        const char *end, struct sim_trace_row *row);
